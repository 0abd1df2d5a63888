/**
 * Rules of the default vLLM-style scheduler that are quirks of the reference (profile `dynamo-1.3.1`): each differs from what vLLM
 * does, and each decides numbers that the reference's recorded runs show.
 */
export interface DynamoRules {
  /**
   * Preempting the oldest request (`preemption_mode: fifo`) shortens the batch at its front without moving the position in it, so the
   * request behind the served one is passed over in that pass.
   */
  readonly fifoPreemptionSkipsNext: boolean
  /** The last token of a request takes a block of its own when it opens one, although nothing will ever read it. */
  readonly finalTokenTakesBlock: boolean
  /** A prompt that is cached whole computes nothing: its first token costs a decode step only. */
  readonly wholePromptsHit: boolean
}

/** What the release 1.3.1 of the reference does. */
export const dynamo131: DynamoRules = {
  fifoPreemptionSkipsNext: true,
  finalTokenTakesBlock: true,
  wholePromptsHit: true
}
