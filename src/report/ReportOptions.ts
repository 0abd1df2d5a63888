/** What a report is told beside the events of the run. */
import type { Json } from "effect/Schema"
import type { SampleStatistics } from "./SampleStatistics.ts"
import type { WindowBounds } from "./MeasuredWindow.ts"
import type { PoolRole } from "./ReplayEvent.ts"

/** Bounds a good request keeps, all inclusive; a bound left out holds for every request. */
export interface ServiceLevel {
  readonly ttftMs?: number
  /** Bound on `(e2e - ttft) / (output tokens asked for - 1)`; requests for a single token always keep it. */
  readonly itlMs?: number
  readonly e2eMs?: number
}

/** Parts of passes whose time lies beyond what was measured in one quantity. */
export interface ExtrapolationFacts {
  readonly phase: "prefill" | "decode"
  readonly quantity: string
  readonly direction: "above" | "below"
  readonly calls: number
  /** The farthest value asked for, and the last one measured there. */
  readonly farthest: number
  readonly measured: number
}

/** What chose limits that were left open: the configuration classes of vLLM, or its server by the GPU. */
export type LimitsSource = "vllm_class" | "vllm_server"

/** A pool of equal workers as it was really deployed, whatever was asked for. */
export interface PoolFacts {
  readonly role: PoolRole
  /** One of several in its pool, whose workers differ. */
  readonly group?: string
  readonly workers: number
  readonly gpusPerWorker: number
  /** Tokens per KV block. */
  readonly blockTokens: number
  /** KV pool of one worker: blocks, tokens, and GiB over all its GPUs where the bytes of a token are known. */
  readonly kvBlocks: number
  readonly kvTokens: number
  readonly kvGib: number | null
  /** Whether AIC sized the KV pool, or the engine arguments (their default included) did. */
  readonly kvPoolSource: "aic" | "engine_args"
  /** Whose scheduling rules the workers follow, where they are not the reference's. */
  readonly engineProfile?: string
  /** Limits of a pass there, and what chose those that nobody named. */
  readonly maxNumSeqs?: number
  readonly maxNumBatchedTokens?: number
  readonly defaultLimits?: LimitsSource
  /** Most tokens of a prompt and its output there. */
  readonly maxModelTokens?: number
  /** Name and version of the timing model. */
  readonly timingSource: string
  /** Prefill and decode parts of passes that were timed by measured tables, and those of them beyond what was measured. */
  readonly timedPassParts?: number
  readonly extrapolatedPassParts?: number
  /** Those by kind of part and by what was beyond. */
  readonly extrapolations?: ReadonlyArray<ExtrapolationFacts>
  /** Origin and SHA-256 of the measured tables. */
  readonly timingTables?: { readonly origin: string; readonly sha256: string }
}

/** Facts about the run that its events do not carry. */
export interface ReportMetadata {
  /** Name and version of the timing model. */
  readonly timingSource?: string
  readonly seed?: number
  /** The options of the run with every default filled in. */
  readonly options?: Json
  readonly pools?: ReadonlyArray<PoolFacts>
  readonly warnings?: ReadonlyArray<string>
  /** SHA-256 of the input files, lower-case hexadecimal, by name. */
  readonly inputSha256?: Readonly<Record<string, string>>
}

/** What a report says beyond the usual. */
export interface ReportOptions {
  /** Adds the goodput keys, if at least one bound is set. */
  readonly serviceLevel?: ServiceLevel
  /** Only what ends within counts; gaps must come with their times (`timedGaps` of the run). Default: the whole run. */
  readonly window?: WindowBounds
  /** What good requests of each class are; bounds left out are those of all. */
  readonly classLevels?: ReadonlyMap<string, ServiceLevel>
  /** Gaps between tokens of a class, where somebody told them apart; asked when the run has ended. */
  readonly classGaps?: (className: string) => SampleStatistics | undefined
  /** Asked when the run has ended, so that it may tell what only then is known (warnings, hashes of streamed inputs). */
  readonly metadata?: () => ReportMetadata
  /** Requests up to which their percentiles are exact. Default: 1,000,000, at 32 bytes each, of which most are in a temporary file. */
  readonly exactRequests?: number
  /** Different gaps between tokens up to which their percentiles are exact. Default: 786,432, at 16 bytes each. */
  readonly exactGaps?: number
}
