/**
 * How much happens in a run, in counts that no machine can change: passes that are computed in their time, events of the loop, calls of the
 * KV pool. Bounds are a tenth above what was counted when they were written; what exceeds one has made runs dearer.
 */
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { KvBlockPool } from "../../src/engine/vllm/KvBlockPool.ts"
import { VllmWorker } from "../../src/engine/vllm/VllmWorker.ts"
import { EventQueue } from "../../src/simulation/EventQueue.ts"
import { runCommand } from "../support/CommandRun.ts"

const trace = join(import.meta.dirname, "../../traces/conversation_sample.jsonl")

/** Calls per million output tokens of the run. */
interface Counts {
  readonly passes: number
  readonly events: number
  readonly poolCalls: number
}

const poolCalls = ["acquire", "acquirePartial", "promote", "promoteAll", "residentPrefix", "activePrefix"] as const

const counted = (...flags: ReadonlyArray<string>): Effect.Effect<Counts, unknown> =>
  Effect.gen(function* () {
    const spies = {
      passes: [vi.spyOn(VllmWorker.prototype, "pass")],
      events: [vi.spyOn(EventQueue.prototype, "push")],
      poolCalls: poolCalls.map((name) => vi.spyOn(KvBlockPool.prototype, name))
    }
    const { records } = yield* runCommand([trace], flags, { check: false })
    const tokens = records.reduce((sum, { emittedTokens }) => sum + emittedTokens, 0)
    const of = (group: keyof typeof spies): number => {
      const calls = spies[group].reduce((sum, { mock }) => sum + mock.calls.length, 0)
      for (const spy of spies[group]) spy.mockRestore()
      return Math.round((calls / tokens) * 1e6)
    }
    return { passes: of("passes"), events: of("events"), poolCalls: of("poolCalls") }
  })

const assertWithin = (counts: Counts, bounds: Counts): void => {
  for (const name of ["passes", "events", "poolCalls"] as const) {
    assert.isAtMost(counts[name], bounds[name], name)
    assert.isAtLeast(counts[name], bounds[name] / 2, `${name}: lower the bound`)
  }
}

describe("per million output tokens", () => {
  it.effect("one worker computes few passes in their time", () =>
    Effect.map(counted(), (counts) => assertWithin(counts, { passes: 10_000, events: 0, poolCalls: 55_500 }))
  )

  it.effect("nor do four behind the KV router", () =>
    Effect.map(counted("--num-workers", "4", "--router-mode", "kv_router"), (counts) =>
      assertWithin(counts, { passes: 7_950, events: 6_900, poolCalls: 50_500 })
    )
  )

  it.effect("nor do they where blocks are evicted, of which the router hears", () =>
    Effect.map(
      counted("--num-workers", "4", "--router-mode", "kv_router", "--extra-engine-args", '{"num_gpu_blocks":1000}'),
      (counts) => assertWithin(counts, { passes: 7_750, events: 7_300, poolCalls: 52_000 })
    )
  )

  it.effect("nor do they where blocks are copied to host memory, of which nobody hears", () => {
    const tiers = '{"kv_bytes_per_token":131072,"num_g2_blocks":65536,"offload_policy":"write_through"}'
    return Effect.map(
      counted("--num-workers", "4", "--router-mode", "kv_router", "--extra-engine-args", tiers),
      (counts) => assertWithin(counts, { passes: 7_950, events: 6_900, poolCalls: 52_000 })
    )
  })

  it.effect("nor do they where requests wait for evicted blocks to be copied, whose ends are no events", () => {
    const tiers =
      '{"num_gpu_blocks":1000,"kv_bytes_per_token":131072,"num_g2_blocks":65536,"offload_policy":"on_evict"}'
    return Effect.map(
      counted("--num-workers", "4", "--router-mode", "kv_router", "--extra-engine-args", tiers),
      (counts) => assertWithin(counts, { passes: 12_200, events: 7_600, poolCalls: 79_000 })
    )
  })

  it.effect("nor do two prefill and two decode workers", () => {
    const pools = [
      ["--prefill-engine-args", '{"worker_type":"prefill"}', "--decode-engine-args", '{"worker_type":"decode"}'],
      ["--num-prefill-workers", "2", "--num-decode-workers", "2"]
    ]
    return Effect.map(counted(...pools.flat()), (counts) =>
      assertWithin(counts, { passes: 10_500, events: 20_000, poolCalls: 57_500 })
    )
  })
})
