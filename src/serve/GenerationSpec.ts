/** What a request asks for, the same for all endpoints that generate. */
import type { TokenBuffer } from "./TokenText.ts"

/** When an output ends before its length. */
export interface StopRule {
  readonly strings: ReadonlyArray<string>
  /** The output keeps the string that ended it. */
  readonly kept: boolean
  /** Output tokens that come in any case. */
  readonly minTokens: number
}

export interface GenerationSpec {
  readonly model: string
  /** At least one. */
  readonly prompts: ReadonlyArray<TokenBuffer>
  /** Choices made for each prompt. */
  readonly choicesPerPrompt: number
  /** Most output tokens of a choice; `undefined` leaves it to the server's default, cut to the room that the context has left. */
  readonly outputTokens: number | undefined
  readonly stop: StopRule
  /** Sampling seed of the request. */
  readonly seed: number
  /** The text of a choice begins with its prompt. */
  readonly echo: boolean
  /** Alternatives to give for each token beside its log probability; `undefined` for no log probabilities at all. */
  readonly logprobs: number | undefined
  readonly stream: boolean
  /** Send the token counts in a chunk of their own at the end of the stream. */
  readonly streamUsage: boolean
}
