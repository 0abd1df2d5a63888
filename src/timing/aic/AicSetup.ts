/** What a set of `aic_*` arguments comes to: the operations of one model, spread and quantised in one way, on one system. */
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { TimingTables } from "../Timing.ts"
import type { AicError } from "./AicError.ts"
import type { ModelShape } from "./ModelConfig.ts"
import type { OpLists } from "./OpPlan.ts"
import type { ParallelSizes } from "./ParallelSizes.ts"
import type { PerfTables } from "./PerfTables.ts"
import type { SystemConstants } from "./SystemConstants.ts"

/** Dimensions that KV sizing needs. */
export interface KvShape extends Pick<ModelShape, "activations" | "layers" | "heads" | "kvHeads" | "headDim"> {
  /** Of a model with latent attention; `undefined` for others. */
  readonly latent: LatentKvShape | undefined
}

/** What sizing adds for a model with latent attention. */
export interface LatentKvShape {
  /** Elements per token and layer. */
  readonly kvDim: number
  readonly hidden: number
  readonly experts: number
  readonly topk: number
}

export interface AicSetup {
  /** Names data and configuration, for reports. */
  readonly source: string
  readonly backend: string
  readonly system: SystemConstants
  readonly sizes: ParallelSizes
  readonly shape: KvShape
  readonly kvCacheQuant: string
  readonly lists: OpLists
  /** The table file that is read; `undefined` for a bundle. */
  readonly tableFile: TimingTables | undefined
  /** Whether draft tokens take time and memory. */
  readonly countsDrafts: boolean
  /** What helps where the tables lack something; `undefined` for a bundle. */
  readonly wayOut: string | undefined
  /** What a user should know about these choices: a sentence each. */
  readonly notes: ReadonlyArray<string>
  /** Reads the tables; done when a timing model is built, not for sizing alone. */
  readonly tables: Effect.Effect<PerfTables, AicError, FileSystem.FileSystem | Path.Path>
}
