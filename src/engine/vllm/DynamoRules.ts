/**
 * Rules of the default vLLM-style scheduler that are quirks of the reference (profile `dynamo-1.3.1`): each differs from what vLLM
 * does, and each decides numbers that the reference's recorded runs show. Those that are the shape of the scheduler, and no switch
 * could undo, are listed in docs/fidelity.md.
 */
export interface DynamoRules {
  /** A prompt that is cached whole needs no token of the budget, so one more is admitted in a pass whose budget is used up. */
  readonly admitsWithoutTokens: boolean
  /**
   * Preempting the oldest request (`preemption_mode: fifo`) shortens the batch at its front without moving the position in it, so the
   * request behind the served one is passed over in that pass.
   */
  readonly fifoPreemptionSkipsNext: boolean
  /** The last token of a request takes a block of its own when it opens one, although nothing will ever read it. */
  readonly finalTokenTakesBlock: boolean
  /**
   * Reuse ends with the prompt: a request that comes back from a preemption computes again what it had generated, although the blocks of
   * it may still be cached.
   */
  readonly hitsEndWithPrompt: boolean
  /** A prompt that is cached whole computes nothing: its first token costs a decode step only. */
  readonly wholePromptsHit: boolean
}

/** What the release 1.3.1 of the reference does. */
export const dynamo131: DynamoRules = {
  admitsWithoutTokens: true,
  fifoPreemptionSkipsNext: true,
  finalTokenTakesBlock: true,
  hitsEndWithPrompt: true,
  wholePromptsHit: true
}
