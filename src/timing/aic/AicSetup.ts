/** What a set of `aic_*` arguments comes to: the operations of one model, spread and quantised in one way, on one system. */
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { AicArgs } from "../../config/EngineArgs.ts"
import type { AicError } from "./AicError.ts"
import type { ModelShape } from "./ModelConfig.ts"
import type { OpLists } from "./OpList.ts"
import type { ParallelSizes } from "./ParallelSizes.ts"
import type { PerfTables } from "./PerfTables.ts"
import type { SystemConstants } from "./SystemConstants.ts"

/** The arguments that decide an AIC model; those of an engine and the router's own alike. */
export type AicModelArgs = Omit<AicArgs, "sizesKvPool">

/** Dimensions that KV sizing needs. */
export type KvShape = Pick<ModelShape, "family" | "layers" | "heads" | "kvHeads" | "headDim">

export interface AicSetup {
  /** Names data and configuration, for reports. */
  readonly source: string
  readonly backend: string
  readonly system: SystemConstants
  readonly sizes: ParallelSizes
  readonly shape: KvShape
  readonly kvCacheQuant: string
  readonly lists: OpLists
  /** Reads the tables; done when a timing model is built, not for sizing alone. */
  readonly tables: Effect.Effect<PerfTables, AicError, FileSystem.FileSystem | Path.Path>
}
