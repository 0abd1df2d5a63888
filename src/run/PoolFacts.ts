/** What a report tells about a pool of workers: what was really deployed, derived values included. */
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { PoolFacts } from "../report/ReportOptions.ts"
import type { DeployedGroup } from "./Deployment.ts"

/** AIC sized the KV pool, or the engine arguments (their default included) say how large it is. */
export type KvPoolSource = "aic" | "engine_args"

const gibibyte = 2 ** 30

/** Only where the profile is not the default one. */
const profileFacts = ({ aic, engineProfile, maxNumBatchedTokens, maxNumSeqs, vllmScheduler }: EngineArgs) =>
  vllmScheduler === undefined
    ? {}
    : {
        engineProfile,
        maxNumSeqs,
        maxNumBatchedTokens,
        ...(vllmScheduler.maxModelLen === undefined ? {} : { maxModelTokens: vllmScheduler.maxModelLen }),
        ...(vllmScheduler.defaultLimits.length === 0
          ? {}
          : { defaultLimits: aic === undefined ? ("vllm_class" as const) : ("vllm_server" as const) })
      }

export const poolFacts = (pool: DeployedGroup): PoolFacts => {
  const { engine, kvBytesPerToken, kvPoolSource, name, role, timing, workers } = pool
  const { blockTokens, gpusPerWorker, numGpuBlocks } = engine.args
  const kvTokens = numGpuBlocks * blockTokens
  const coverage = timing.coverage?.()
  return {
    role,
    ...(name === undefined ? {} : { group: name }),
    workers,
    gpusPerWorker,
    blockTokens,
    kvBlocks: numGpuBlocks,
    kvTokens,
    kvGib: kvBytesPerToken === undefined ? null : (kvTokens * kvBytesPerToken) / gibibyte,
    kvPoolSource,
    ...profileFacts(engine.args),
    timingSource: timing.source,
    ...(coverage === undefined
      ? {}
      : {
          timedPassParts: coverage.calls,
          extrapolatedPassParts: coverage.extrapolated,
          extrapolations: coverage.beyond
        }),
    ...(timing.tables === undefined ? {} : { timingTables: timing.tables })
  }
}
