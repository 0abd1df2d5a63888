/**
 * The options of a run as they were given, before any of them is held against another: `undefined` is "not given".
 */
import * as Result from "effect/Result"
import type { ConfigError } from "./ConfigError.ts"
import { FlagReader, type FlagValues } from "./FlagReader.ts"
import { type GivenSynthetic, readSynthetic } from "./GivenSynthetic.ts"
import { type GivenTrace, readTrace } from "./GivenTrace.ts"
import type { JsonSetting } from "./JsonSetting.ts"
import { replayModes, routerModes, tieBreaks } from "./ReplayFlags.ts"
import type { UsageError } from "./UsageError.ts"

export type ReplayMode = (typeof replayModes)[number]
export type RouterMode = (typeof routerModes)[number]
export type TieBreak = (typeof tieBreaks)[number]

/** Names are those of the flags; see replayFlags for their meaning. */
export interface GivenOptions extends GivenTrace, GivenSynthetic {
  readonly numWorkers?: number | undefined
  readonly numPrefillWorkers?: number | undefined
  readonly numDecodeWorkers?: number | undefined
  readonly extraEngineArgs?: JsonSetting | undefined
  readonly prefillEngineArgs?: JsonSetting | undefined
  readonly decodeEngineArgs?: JsonSetting | undefined
  readonly routerMode?: RouterMode | undefined
  readonly routerConfig?: JsonSetting | undefined
  readonly routerPolicyConfig?: string | undefined
  readonly modelName?: string | undefined
  readonly seed?: number | undefined
  readonly tieBreak?: TieBreak | undefined
  readonly replayConcurrency?: number | undefined
  readonly arrivalSpeedupRatio?: number | undefined
  readonly maxSimTimeSeconds?: number | undefined
  readonly replayMode?: ReplayMode | undefined
  readonly reportJson?: string | undefined
  readonly reportJsonl?: string | undefined
  readonly slaTtftMs?: number | undefined
  readonly slaItlMs?: number | undefined
  readonly slaE2eMs?: number | undefined
  readonly aic?: GivenAicOptions | undefined
  /** AIC bundle files. */
  readonly aicBundles?: ReadonlyArray<string> | undefined
  readonly plannerConfig?: string | undefined
  readonly benchmarkGranularity?: number | undefined
  readonly check?: boolean | undefined
  readonly quiet?: boolean | undefined
}

/** The `--aic-*` flags: the router's estimate of prefill times. */
export interface GivenAicOptions {
  readonly backend?: string | undefined
  readonly system?: string | undefined
  readonly backendVersion?: string | undefined
  readonly modelPath?: string | undefined
  readonly tpSize?: number | undefined
  readonly moeTpSize?: number | undefined
  readonly moeEpSize?: number | undefined
  readonly attentionDpSize?: number | undefined
  readonly gemmDtype?: string | undefined
  readonly moeDtype?: string | undefined
  readonly fmhaDtype?: string | undefined
  readonly kvCacheDtype?: string | undefined
  readonly commDtype?: string | undefined
  readonly nextn?: number | undefined
  readonly nextnAcceptRates?: string | undefined
}

/** Gives every option its type. */
export const readGivenOptions = (
  traces: ReadonlyArray<string>,
  values: FlagValues
): Result.Result<GivenOptions, UsageError | ConfigError> => {
  const read = new FlagReader(values)
  const given: GivenOptions = {
    traces,
    ...readTrace(read),
    ...readSynthetic(read),
    ...readDeployment(read),
    replayConcurrency: read.integer("replay-concurrency"),
    arrivalSpeedupRatio: read.number("arrival-speedup-ratio"),
    maxSimTimeSeconds: read.number("max-sim-time-seconds"),
    replayMode: read.choice("replay-mode", replayModes),
    reportJson: read.text("report-json"),
    reportJsonl: read.text("report-jsonl"),
    slaTtftMs: read.number("sla-ttft-ms"),
    slaItlMs: read.number("sla-itl-ms"),
    slaE2eMs: read.number("sla-e2e-ms"),
    aic: readAic(read),
    aicBundles: read.paths("aic-bundle"),
    plannerConfig: read.text("planner-config"),
    benchmarkGranularity: read.integer("benchmark-granularity"),
    check: read.switch("check"),
    quiet: read.switch("quiet")
  }
  return read.problem === undefined ? Result.succeed(given) : Result.fail(read.problem)
}

const readDeployment = (read: FlagReader) => ({
  numWorkers: read.integer("num-workers"),
  numPrefillWorkers: read.integer("num-prefill-workers"),
  numDecodeWorkers: read.integer("num-decode-workers"),
  extraEngineArgs: read.json("extra-engine-args"),
  prefillEngineArgs: read.json("prefill-engine-args"),
  decodeEngineArgs: read.json("decode-engine-args"),
  routerMode: read.choice("router-mode", routerModes),
  routerConfig: read.json("router-config"),
  routerPolicyConfig: read.text("router-policy-config"),
  modelName: read.text("model-name"),
  seed: read.integer("seed"),
  tieBreak: read.choice("tie-break", tieBreaks)
})

/** `auto` is how the reference spells "as the model says". */
const dtypeOf = (given: string | undefined): string | undefined => (given === "auto" ? undefined : given)

const readAic = (read: FlagReader): GivenAicOptions | undefined => {
  const given: GivenAicOptions = {
    backend: read.text("aic-backend"),
    system: read.text("aic-system"),
    backendVersion: read.text("aic-backend-version"),
    modelPath: read.text("aic-model-path"),
    tpSize: read.integer("aic-tp-size"),
    moeTpSize: read.integer("aic-moe-tp-size"),
    moeEpSize: read.integer("aic-moe-ep-size"),
    attentionDpSize: read.integer("aic-attention-dp-size"),
    gemmDtype: dtypeOf(read.text("aic-gemm-dtype")),
    moeDtype: dtypeOf(read.text("aic-moe-dtype")),
    fmhaDtype: dtypeOf(read.text("aic-fmha-dtype")),
    kvCacheDtype: dtypeOf(read.text("aic-kv-cache-dtype")),
    commDtype: dtypeOf(read.text("aic-comm-dtype")),
    nextn: read.integer("aic-nextn"),
    nextnAcceptRates: read.text("aic-nextn-accept-rates")
  }
  return Object.values(given).some((value) => value !== undefined) ? given : undefined
}
