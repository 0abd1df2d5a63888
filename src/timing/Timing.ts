/**
 * How long the prefill part and the decode part of one pass take.
 *
 * A layer holds the choice of model; {@link Timing} makes a fresh model per worker, because a model may memoise and
 * count. Models return milliseconds before speed-up and before quantisation: the engine does both.
 */
import * as Context from "effect/Context"

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
}

/** How often the models of a service were asked, and how often they had to go beyond what was measured. */
export interface TimingCoverage {
  readonly calls: number
  /** Calls in which at least one look-up left the measured range of its table. */
  readonly extrapolated: number
}

export class Timing extends Context.Service<
  Timing,
  {
    /** Named in the report: model and, where it has one, version. */
    readonly source: string
    readonly make: () => TimingModel
    /** Over all models made so far; absent where nothing is measured. */
    readonly coverage?: () => TimingCoverage
  }
>()("dynosim/timing/Timing") {}
