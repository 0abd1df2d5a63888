/** What a request asks for, the same for both endpoints. */
import type { TokenBuffer } from "./TokenText.ts"

export interface GenerationSpec {
  readonly model: string
  readonly prompt: TokenBuffer
  /** `undefined` leaves it to the server's default, cut to the room that the context has left. */
  readonly outputTokens: number | undefined
  /** Sampling seed of the request. */
  readonly seed: number
  readonly stream: boolean
  /** Send the token counts in a chunk of their own at the end of the stream. */
  readonly streamUsage: boolean
}
