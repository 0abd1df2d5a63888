/**
 * How long the prefill part and the decode part of one pass take.
 *
 * A layer holds the choice of model; {@link Timing} makes a fresh model per worker, because a model may memoise and
 * count. Models return milliseconds before speed-up and before quantisation: the engine does both.
 */
import * as Context from "effect/Context"

/** Durations of the parts of a pass, ms. */
export interface TimingModel {
  /** Duration of prefilling `batch` prompts of `meanIslTokens`, of which `meanPrefixTokens` are cached; ms >= 0. */
  readonly prefillMs: (batch: number, meanIslTokens: number, meanPrefixTokens: number) => number
  /**
   * Duration of one decode step of `batch` requests; ms >= 0.
   * `activeKvTokens` of `capacityTokens` are in use; `meanContextTokens` is the mean sequence length.
   */
  readonly decodeMs: (
    batch: number,
    activeKvTokens: number,
    meanContextTokens: number,
    capacityTokens: number
  ) => number
  /** How steps are asked for whose time has not come, and may never come; absent where every question leaves a trace. */
  readonly ahead?: DecodeAhead | undefined
}

/** Durations of decode steps that may be asked for and then not be taken: one by one, or in a row. */
export type DecodeAhead = SingleSteps | StepsInARow

interface Ahead {
  /** The steps asked for so far are forgotten. */
  readonly begin: () => void
  /** The first so many of the steps asked for have been taken. */
  readonly taken: (steps: number) => void
}

export interface SingleSteps extends Ahead {
  /** As {@link TimingModel.decodeMs}, without a trace as yet; `NaN` for a step that must be asked for in its time. */
  readonly decodeMs: TimingModel["decodeMs"]
  /** The mean context is not read: one answer may stand for many steps. */
  readonly ignoresContext: boolean
  readonly rowMs?: undefined
}

/** Of a model for which batch and mean context are all that counts. */
export interface StepsInARow extends Ahead {
  /**
   * Durations of steps that follow each other, each request a token longer in each, as in {@link TimingModel.decodeMs}: ms, into the first
   * places of `intoMs`. From 1 to `steps` of them, as many as are timed together; how many is the answer.
   */
  readonly rowMs: (batch: number, meanContextTokens: number, steps: number, intoMs: Float64Array) => number
}

/** A part of a pass. */
export type TimingPhase = "prefill" | "decode"

/** Calls of one kind that went beyond what was measured along one quantity. */
export interface Extrapolation {
  readonly phase: TimingPhase
  /** What was looked up over, such as `sequence tokens`. */
  readonly quantity: string
  readonly direction: "above" | "below"
  readonly calls: number
  /** The farthest value asked for, and the last one measured there. */
  readonly farthest: number
  readonly measured: number
}

/** How often the models of a service were asked, and how often they had to go beyond what was measured. */
export interface TimingCoverage {
  readonly calls: number
  /** Calls in which at least one look-up left the measured range of its table. */
  readonly extrapolated: number
  /** By kind of call and quantity; a call may count under several. */
  readonly beyond: ReadonlyArray<Extrapolation>
}

/** A set of measurements: what it was read from, and the SHA-256 of its content. */
export interface TimingTables {
  readonly origin: string
  readonly sha256: string
}

/** How long passes take: a factory of timing models, one per worker. */
export class Timing extends Context.Service<
  Timing,
  {
    /** Named in the report: model and, where it has one, version. */
    readonly source: string
    readonly make: () => TimingModel
    /** A model whose calls are not counted in `coverage`: for questions about passes that are not run. Default: `make`. */
    readonly makeUncounted?: () => TimingModel
    /** The measurements that a model reads, where they came as a table file. */
    readonly tables?: TimingTables
    /** What a user should know before trusting the numbers: choices made for them, known weaknesses. */
    readonly notes?: ReadonlyArray<string>
    /** Over all models made so far; absent where nothing is measured. */
    readonly coverage?: () => TimingCoverage
  }
>()("dynosim/timing/Timing") {}
