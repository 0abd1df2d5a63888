/**
 * Configuration of the KV router (`--router-config`): names, defaults, ranges and cross-field rules of the reference
 * (ai-dynamo 1.3.1). A setting is one line: in {@link kept} when an offline run can feel it, else in {@link ignored}.
 */
import * as Result from "effect/Result"
import { check, complete, decode, type Plain, problemOf, writtenKeys } from "../../settings/Decode.ts"
import { boolean, duration, integer, number, oneOf, share, text, zeroOr } from "../../settings/Kind.ts"
import { entriesOf, type Given, nullable, optional, setting, type Values } from "../../settings/Setting.ts"
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"

/** Factors on costs, which are counts of blocks or tokens. */
const factor = number(0, 1e9)
const count = integer(1, 2 ** 32 - 1)

const kept = {
  overlapScoreCredit: setting(number(0), 1, "Share of a cached block that its cost is relieved of, 0 to 1"),
  overlapScoreCreditDecay: setting(factor, 0, "How fast the credit fades along the prompt"),
  prefillLoadScale: setting(factor, 1, "Weight of outstanding prefill work against held blocks"),
  routerTemperature: setting(
    zeroOr(1e-6, 1e9),
    0,
    "0 takes the cheapest worker; above it, a softmax draw over normalised costs"
  ),
  routerTrackActiveBlocks: setting(boolean, true, "Whether held blocks count"),
  routerAssumeKvReuse: setting(
    boolean,
    true,
    "Whether equal prompt blocks of concurrent requests count once per worker"
  ),
  routerTrackPrefillTokens: setting(boolean, true, "Whether outstanding prefill tokens count"),
  routerPrefillLoadModel: setting(
    oneOf(["none", "aic"]),
    "none",
    "aic: outstanding prefills count down at the pace that the AIC model predicts"
  ),
  routerQueueThreshold: nullable(
    number(0, 1e12),
    16,
    null,
    "Multiple of a pass's token budget above which a worker is busy; null never parks a request"
  ),
  routerQueuePolicy: setting(oneOf(["fcfs", "lcfs", "wspt"]), "fcfs", "Order of parked requests"),
  routerPolicyConfig: optional(text, undefined, "Policy file (YAML)"),
  routerTierEvents: setting(
    boolean,
    false,
    "Learn of blocks in KV tiers below the device from events, and count hits there"
  ),
  hostCacheHitWeight: setting(share, 0.75, "Worth of a hit in host memory, with router_tier_events", {
    needs: "tierEvents"
  }),
  diskCacheHitWeight: setting(share, 0.25, "Worth of a hit on disk, with router_tier_events", { needs: "tierEvents" })
}

/**
 * Checked, then forgotten: a replay always feeds KV events to the index, has no shared cache, no replicas and no restarts, and never
 * tells the router about output blocks.
 */
const ignored = {
  overlapScoreWeight: optional(factor, undefined, "Older name of prefill_load_scale; 0 also forgets the cache", {
    needs: "always"
  }),
  routerReplicaSync: setting(boolean, false, "Whether replicas of the router share their state"),
  routerSnapshotThreshold: optional(count, undefined, "Events between two snapshots of the index"),
  routerResetStates: setting(boolean, false, "Forget persisted state at start"),
  routerTtlSecs: setting(duration, 120, "How long predicted blocks count, seconds"),
  routerEventThreads: setting(count, 4, "Threads that take in KV events"),
  skipInitialWorkerWait: setting(boolean, false, "Start without workers"),
  sharedCacheMultiplier: setting(share, 0, "Worth of a hit in a shared cache"),
  sharedCacheType: setting(oneOf(["none", "hicache"]), "none", "Kind of shared cache"),
  routerTrackOutputBlocks: setting(boolean, false, "Whether output blocks count"),
  useKvEvents: setting(boolean, true, "Learn of cached blocks from KV events"),
  durableKvEvents: setting(boolean, false, "Keep KV events"),
  useRemoteIndexer: setting(boolean, false, "Ask another process for cached blocks"),
  serveIndexer: setting(boolean, false, "Serve the index to other processes"),
  routerPredictedTtlSecs: optional(duration, undefined, "How long blocks predicted without events count, seconds")
}

/** Everything that a router configuration may hold. */
export const routerSettings = { ...kept, ...ignored }

type Complete = Values<typeof routerSettings>

/** Router settings by field; what is left out has its default. */
export type GivenRouterConfig = Given<typeof routerSettings>

/** A KV router's configuration, checked, with defaults filled in. */
export interface RouterConfig extends Values<typeof kept> {
  /** Keys given by the user that cannot change an offline result, in the order given. */
  readonly inertKeys: ReadonlyArray<string>
}

type Checked<A> = Result.Result<A, SettingsError>

const ignoredKeys: ReadonlySet<string> = new Set(
  [...entriesOf(ignored)].filter(([, entry]) => entry.setting.needs !== "always").map(([key]) => key)
)

/** Keys of weights that count only where tier events come. */
const tierKeys: ReadonlySet<string> = new Set(
  [...entriesOf(kept)].filter(([, entry]) => entry.setting.needs === "tierEvents").map(([key]) => key)
)

const isInert = (key: string, { routerTierEvents }: GivenRouterConfig): boolean =>
  ignoredKeys.has(key) || (tierKeys.has(key) && routerTierEvents !== true)

/** Reads a configuration as written, values by key: the first problem in the text wins, then the first broken rule between settings. */
export const decodeRouterConfig = (written: Plain): Checked<RouterConfig> =>
  Result.flatMap(decode(routerSettings, written), (given) =>
    resolve(
      given,
      writtenKeys(written).filter((key) => isInert(key, given))
    )
  )

/** A checked configuration from the settings given, or what is wrong with them. */
export const routerConfigOf = (given: GivenRouterConfig): Checked<RouterConfig> =>
  Result.flatMap(check(routerSettings, given), (checked) => resolve(checked, []))

/** {@link routerConfigOf}, throwing what is wrong. */
export const make = (given: GivenRouterConfig = {}): RouterConfig => Result.getOrThrow(routerConfigOf(given))

/** What is wrong with complete settings, such as defaults with some replaced. */
export const routerConfigProblem = (
  config: Omit<RouterConfig, "inertKeys" | "routerPolicyConfig" | "routerPrefillLoadModel">
): SettingsError | undefined => problemOf(kept, config) ?? creditProblem(config.overlapScoreCredit)

const resolve = (given: GivenRouterConfig, inertKeys: ReadonlyArray<string>): Checked<RouterConfig> => {
  const values = complete(routerSettings, given)
  const { overlapScoreWeight: weight } = values
  // The old weight was one factor for both: it becomes the scale, and a weight of 0 also forgets the cache.
  const overlapScoreCredit = weight === 0 ? 0 : values.overlapScoreCredit
  const problem = creditProblem(values.overlapScoreCredit) ?? crossProblem({ ...values, overlapScoreCredit })
  if (problem !== undefined) return Result.fail(problem)
  return Result.succeed({
    ...complete(kept, given),
    overlapScoreCredit,
    prefillLoadScale: weight ?? values.prefillLoadScale,
    inertKeys
  })
}

const creditProblem = (credit: number): SettingsError | undefined =>
  credit <= 1
    ? undefined
    : settingsError(
        "overlap_score_credit",
        `expected a number from 0 to 1, got ${credit}`,
        "to weigh prefill work more, raise prefill_load_scale: it applies after the credit"
      )

const crossProblem = (values: Complete): SettingsError | undefined => {
  const rules: ReadonlyArray<readonly [broken: boolean, key: string, problem: string]> = [
    [values.durableKvEvents && !values.useKvEvents, "durable_kv_events", "requires use_kv_events=true"],
    [
      values.routerTrackOutputBlocks && !values.routerTrackActiveBlocks,
      "router_track_output_blocks",
      "requires router_track_active_blocks=true"
    ],
    [
      values.routerPrefillLoadModel !== "none" && !values.routerTrackPrefillTokens,
      "router_prefill_load_model",
      "requires router_track_prefill_tokens=true"
    ],
    [values.useRemoteIndexer && values.serveIndexer, "serve_indexer", "cannot be combined with use_remote_indexer"],
    [values.serveIndexer && values.overlapScoreCredit === 0, "serve_indexer", "requires overlap_score_credit > 0"],
    [
      values.routerPredictedTtlSecs !== undefined && !values.useKvEvents,
      "router_predicted_ttl_secs",
      "requires use_kv_events=true"
    ]
  ]
  const first = rules.find(([broken]) => broken)
  return first === undefined ? undefined : settingsError(first[1], first[2])
}

/** What the router has when it is not told anything. */
export const defaultRouterConfig: RouterConfig = make()
