/**
 * Configuration of the KV router (`--router-config`): names, defaults, ranges and cross-field rules of the reference
 * (ai-dynamo 1.3.1). Only what an offline run can feel is kept; the rest is checked and named in `inertKeys`.
 */
import * as Result from "effect/Result"
import type { ConfigError, ConfigSource } from "./ConfigError.ts"
import type { QueuePolicy } from "./EngineArgs.ts"
import { boolean, integer, type JsonSchema, number, oneOf, text } from "./JsonKind.ts"
import { emptyObject, type JsonNode } from "./JsonNode.ts"
import { nodeOf } from "./JsonSetting.ts"
import { ObjectReader } from "./ObjectReader.ts"

export interface RouterConfig {
  /** Share of a cached block that its cost is relieved of, 0 to 1. */
  readonly overlapScoreCredit: number
  readonly overlapScoreCreditDecay: number
  /** Weight of outstanding prefill work against held blocks. */
  readonly prefillLoadScale: number
  /** 0 takes the cheapest worker; above it, a softmax draw over normalised costs. */
  readonly routerTemperature: number
  readonly routerTrackActiveBlocks: boolean
  /** Whether equal prompt blocks of concurrent requests count once per worker. */
  readonly routerAssumeKvReuse: boolean
  readonly routerTrackPrefillTokens: boolean
  /** `aic`: outstanding prefills count down at the pace that the AIC model predicts. */
  readonly routerPrefillLoadModel: "none" | "aic"
  /** Multiple of a pass's token budget above which a worker is busy; `null` never parks a request. */
  readonly routerQueueThreshold: number | null
  readonly routerQueuePolicy: QueuePolicy
  /** Policy file (YAML) as the user named it; `undefined` without one. */
  readonly routerPolicyConfig: string | undefined
  /** Keys given by the user that cannot change an offline result, in the order given. */
  readonly inertKeys: ReadonlyArray<string>
}

/** Reads a router configuration; the first problem in the text wins, then the first broken rule between fields. */
export const readRouterConfig = (
  node: JsonNode,
  source: ConfigSource,
  path = ""
): Result.Result<RouterConfig, ConfigError> => routerConfigOf(new ObjectReader(node, source, path))

/** JSON Schema of a router configuration. */
export const routerConfigSchema = (): JsonSchema => {
  const read = new ObjectReader(emptyObject, { _tag: "Flag", name: "router configuration" }, "")
  routerConfigOf(read)
  return read.jsonSchema()
}

const routerConfigOf = (read: ObjectReader): Result.Result<RouterConfig, ConfigError> => {
  const cost = readCost(read)
  const tracking = readTracking(read)
  const queue = readQueue(read)
  const live = readLive(read)
  const problem =
    read.problem()
    ?? creditProblem(read, cost.credit)
    ?? crossProblem(read, tracking, live, weighted(cost).overlapScoreCredit)
  if (problem !== undefined) return Result.fail(problem)
  return Result.succeed({
    ...weighted(cost),
    overlapScoreCreditDecay: cost.decay,
    routerTemperature: cost.temperature,
    ...tracking,
    ...queue,
    inertKeys: read.keys().filter((key) => inertKeys.has(key))
  })
}

interface Cost {
  readonly credit: number
  readonly decay: number
  readonly scale: number
  /** The deprecated `overlap_score_weight`. */
  readonly weight: number | undefined
  readonly temperature: number
}

const readCost = (read: ObjectReader): Cost => ({
  credit: read.value("overlap_score_credit", number(0), 1),
  decay: read.value("overlap_score_credit_decay", number(0), 0),
  scale: read.value("prefill_load_scale", number(0), 1),
  weight: read.optional("overlap_score_weight", number(0)),
  temperature: read.value("router_temperature", number(0), 0)
})

/** The old weight was one factor for both: it becomes the scale, and a weight of 0 also forgets the cache. */
const weighted = ({ credit, scale, weight }: Cost) => ({
  prefillLoadScale: weight ?? scale,
  overlapScoreCredit: weight === 0 ? 0 : credit
})

const creditProblem = (read: ObjectReader, credit: number): ConfigError | undefined =>
  credit <= 1
    ? undefined
    : read.error(
        "overlap_score_credit",
        `expected a number from 0 to 1, got ${credit}`,
        "to weigh prefill work more, raise prefill_load_scale: it applies after the credit"
      )

const readTracking = (read: ObjectReader) => ({
  routerTrackActiveBlocks: read.value("router_track_active_blocks", boolean, true),
  routerAssumeKvReuse: read.value("router_assume_kv_reuse", boolean, true),
  routerTrackPrefillTokens: read.value("router_track_prefill_tokens", boolean, true),
  routerPrefillLoadModel: read.value("router_prefill_load_model", oneOf(["none", "aic"]), "none")
})

const readQueue = (read: ObjectReader) => ({
  routerQueueThreshold: read.nullable("router_queue_threshold", number(0), 16, null),
  routerQueuePolicy: read.value("router_queue_policy", oneOf(["fcfs", "lcfs", "wspt"]), "fcfs"),
  routerPolicyConfig: read.optional("router_policy_config", text)
})

const positive32 = integer(1, 2 ** 32 - 1)

/** What only a live router has: checked, then forgotten. */
const readLive = (read: ObjectReader) => {
  read.value("host_cache_hit_weight", number(0, 1), 0.75)
  read.value("disk_cache_hit_weight", number(0, 1), 0.25)
  read.value("router_replica_sync", boolean, false)
  read.optional("router_snapshot_threshold", positive32)
  read.value("router_reset_states", boolean, false)
  read.value("router_ttl_secs", number(0), 120)
  read.value("router_event_threads", positive32, 4)
  read.value("skip_initial_worker_wait", boolean, false)
  read.value("shared_cache_multiplier", number(0, 1), 0)
  read.value("shared_cache_type", oneOf(["none", "hicache"]), "none")
  return {
    trackOutputBlocks: read.value("router_track_output_blocks", boolean, false),
    useKvEvents: read.value("use_kv_events", boolean, true),
    durableKvEvents: read.value("durable_kv_events", boolean, false),
    useRemoteIndexer: read.value("use_remote_indexer", boolean, false),
    serveIndexer: read.value("serve_indexer", boolean, false),
    predictedTtlS: read.optional("router_predicted_ttl_secs", number(0))
  }
}

const crossProblem = (
  read: ObjectReader,
  tracking: ReturnType<typeof readTracking>,
  live: ReturnType<typeof readLive>,
  credit: number
): ConfigError | undefined => {
  const rules: ReadonlyArray<readonly [broken: boolean, key: string, problem: string]> = [
    [live.durableKvEvents && !live.useKvEvents, "durable_kv_events", "requires use_kv_events=true"],
    [
      live.trackOutputBlocks && !tracking.routerTrackActiveBlocks,
      "router_track_output_blocks",
      "requires router_track_active_blocks=true"
    ],
    [
      tracking.routerPrefillLoadModel !== "none" && !tracking.routerTrackPrefillTokens,
      "router_prefill_load_model",
      "requires router_track_prefill_tokens=true"
    ],
    [live.useRemoteIndexer && live.serveIndexer, "serve_indexer", "cannot be combined with use_remote_indexer"],
    [live.serveIndexer && credit === 0, "serve_indexer", "requires overlap_score_credit > 0"],
    [live.predictedTtlS !== undefined && !live.useKvEvents, "router_predicted_ttl_secs", "requires use_kv_events=true"]
  ]
  const first = rules.find(([broken]) => broken)
  return first === undefined ? undefined : read.error(first[1], first[2])
}

/**
 * A replay always feeds KV events to the index, has no lower cache tiers, no replicas and no restarts, and never tells the
 * router about output blocks.
 */
const inertKeys: ReadonlySet<string> = new Set([
  "host_cache_hit_weight",
  "disk_cache_hit_weight",
  "use_kv_events",
  "durable_kv_events",
  "router_replica_sync",
  "router_track_output_blocks",
  "router_snapshot_threshold",
  "router_reset_states",
  "router_ttl_secs",
  "router_event_threads",
  "skip_initial_worker_wait",
  "use_remote_indexer",
  "serve_indexer",
  "shared_cache_multiplier",
  "shared_cache_type",
  "router_predicted_ttl_secs"
])

/** Reads a router configuration from text, a JSON object. */
export const parseRouterConfig = (text: string): Result.Result<RouterConfig, ConfigError> =>
  Result.flatMap(nodeOf({ _tag: "Text", flag: "router configuration", text }), ({ node, path, source }) =>
    readRouterConfig(node, source, path)
  )

/** What the router has when it is not told anything. */
export const defaultRouterConfig: RouterConfig = Result.getOrThrow(
  readRouterConfig(emptyObject, { _tag: "Flag", name: "--router-config" })
)
