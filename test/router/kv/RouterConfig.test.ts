import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { ConfigError } from "../../../src/config/ConfigError.ts"
import { decodeSetting } from "../../../src/config/DecodeSettings.ts"
import { defaultRouterConfig, decodeRouterConfig, type RouterConfig } from "../../../src/router/kv/RouterConfig.ts"

const read = (text: string): Result.Result<RouterConfig, ConfigError> =>
  decodeSetting({ _tag: "Text", flag: "--router-config", text }, decodeRouterConfig)

const config = (text: string): RouterConfig => Result.getOrThrow(read(text))

describe("router configuration", () => {
  it("has the reference's defaults", () => {
    assert.deepStrictEqual(config("{}"), defaultRouterConfig)
    assert.deepStrictEqual(defaultRouterConfig, {
      overlapScoreCredit: 1,
      overlapScoreCreditDecay: 0,
      prefillLoadScale: 1,
      routerTemperature: 0,
      routerTrackActiveBlocks: true,
      routerAssumeKvReuse: true,
      routerTrackPrefillTokens: true,
      routerPrefillLoadModel: "none",
      routerQueueThreshold: 16,
      routerQueuePolicy: "fcfs",
      routerPolicyConfig: undefined,
      routerTierEvents: false,
      hostCacheHitWeight: 0.75,
      diskCacheHitWeight: 0.25,
      inertKeys: []
    })
  })

  it("lets the deprecated weight replace the scale, and forget the cache when it is 0", () => {
    const both = config('{"overlap_score_weight": 2.5, "overlap_score_credit": 0.5, "prefill_load_scale": 3}')
    assert.deepStrictEqual([both.overlapScoreCredit, both.prefillLoadScale], [0.5, 2.5])
    const zero = config('{"overlap_score_weight": 0, "overlap_score_credit": 0.5}')
    assert.deepStrictEqual([zero.overlapScoreCredit, zero.prefillLoadScale], [0, 0])
    assert.deepStrictEqual(config('{"overlap_score_weight": null}').prefillLoadScale, 1)
  })

  it("never parks without a threshold", () => {
    assert.strictEqual(config('{"router_queue_threshold": null}').routerQueueThreshold, null)
    assert.strictEqual(config('{"router_queue_threshold": 0}').routerQueueThreshold, 0)
  })

  it("lets weights of tiers count once tier events come", () => {
    assert.deepStrictEqual(config('{"host_cache_hit_weight": 0.5}').inertKeys, ["host_cache_hit_weight"])
    const told = config('{"host_cache_hit_weight": 0.5, "router_tier_events": true}')
    assert.deepStrictEqual([told.hostCacheHitWeight, told.inertKeys], [0.5, []])
  })

  it("names the keys that change nothing", () => {
    assert.deepStrictEqual(
      config(
        '{"router_ttl_secs": 5, "router_temperature": 0.5, "use_kv_events": false, "router_snapshot_threshold": null}'
      ).inertKeys,
      ["router_ttl_secs", "use_kv_events"]
    )
  })

  const problems: ReadonlyArray<readonly [text: string, message: RegExp]> = [
    ["[]", /--router-config: expected an object with settings, got an empty list$/],
    ["[1.0]", /expected an object with settings/],
    ['{"session_affinity": true}', /session_affinity: unknown key$/],
    ['{"router_queue_policy": "zz"}', /router_queue_policy: expected one of "fcfs", "lcfs", "wspt", got "zz"$/],
    ['{"router_queue_policy": "FCFS"}', /router_queue_policy: expected one of .*, got "FCFS"$/],
    ['{"router_temperature": -1.0}', /router_temperature: expected 0 or a number from .*, got -1.0$/],
    ['{"router_temperature": "x"}', /router_temperature: expected 0 or a number from .*, got "x"$/],
    ['{"router_temperature": null}', /router_temperature: must not be null/],
    ['{"overlap_score_credit": 2}', /overlap_score_credit: expected a number from 0 to 1, got 2$/],
    ['{"overlap_score_credit": -0.5}', /overlap_score_credit: expected a number of at least 0, got -0.5$/],
    ['{"overlap_score_weight": -1}', /overlap_score_weight: expected a number from 0 to 1e9, got -1$/],
    ['{"router_event_threads": 0}', /router_event_threads: expected an integer from 1 to 4294967295, got 0$/],
    ['{"router_event_threads": 1.5}', /router_event_threads: .* got 1.5$/],
    ['{"durable_kv_events": true, "use_kv_events": false}', /durable_kv_events: requires use_kv_events=true$/],
    [
      '{"router_track_output_blocks": true, "router_track_active_blocks": false}',
      /router_track_output_blocks: requires/
    ],
    [
      '{"router_prefill_load_model": "aic", "router_track_prefill_tokens": false}',
      /router_prefill_load_model: requires router_track_prefill_tokens=true$/
    ],
    [
      '{"use_remote_indexer": true, "serve_indexer": true}',
      /serve_indexer: cannot be combined with use_remote_indexer$/
    ],
    ['{"serve_indexer": true, "overlap_score_credit": 0}', /serve_indexer: requires overlap_score_credit > 0$/],
    [
      '{"router_predicted_ttl_secs": 1, "use_kv_events": false}',
      /router_predicted_ttl_secs: requires use_kv_events=true$/
    ]
  ]
  for (const [text, message] of problems) {
    it(`refuses ${text}`, () => {
      const result = read(text)
      assert(Result.isFailure(result), `accepted ${text}`)
      assert.match(result.failure.message, message)
    })
  }
})
