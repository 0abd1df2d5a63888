/** The endpoints that generate: how a body is read, and how the choices of answers look, whole and in pieces. */
import type * as Result from "effect/Result"
import type { ApiError } from "./ApiError.ts"
import { parseChat } from "./ChatRequest.ts"
import { parseCompletion } from "./CompletionRequest.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import { type TokenProbability, wordLogprob } from "./LogProbabilities.ts"

export interface Endpoint {
  readonly parse: (body: unknown) => Result.Result<GenerationSpec, ApiError>
  readonly idPrefix: string
  /** `object` of a whole answer and of a piece of one. */
  readonly wholeObject: string
  readonly pieceObject: string
  /** The text inside a choice of a whole answer. */
  readonly whole: (text: string, logprobs: object | null) => object
  /** A piece of text inside a choice; the first one of a stream may say more. */
  readonly piece: (text: string, first: boolean, logprobs: object | null) => object
  /** The choice that tells the end. */
  readonly lastPiece: object
  /** Log probabilities of tokens of which the first stands `offset` characters into the choice's text. */
  readonly logprobs: (tokens: ReadonlyArray<TokenProbability>, offset: number) => object
}

export const completions: Endpoint = {
  parse: parseCompletion,
  idPrefix: "cmpl",
  wholeObject: "text_completion",
  pieceObject: "text_completion",
  whole: (text, logprobs) => ({ text, logprobs }),
  piece: (text, _first, logprobs) => ({ text, logprobs }),
  lastPiece: { text: "", logprobs: null },
  logprobs: (tokens, offset) => {
    let at = offset
    return {
      text_offset: tokens.map(({ token }) => {
        at += token.length
        return at - token.length
      }),
      token_logprobs: tokens.map(({ logprob }) => logprob),
      tokens: tokens.map(({ token }) => token),
      // The chosen token is told in any case.
      top_logprobs: tokens.map(({ token, top }) =>
        Object.fromEntries((top.length === 0 ? [token] : top).map((one) => [one, wordLogprob]))
      )
    }
  }
}

const encoder = new TextEncoder()

const probability = (token: string) => ({ token, logprob: wordLogprob, bytes: [...encoder.encode(token)] })

export const chat: Endpoint = {
  parse: parseChat,
  idPrefix: "chatcmpl",
  wholeObject: "chat.completion",
  pieceObject: "chat.completion.chunk",
  whole: (text, logprobs) => ({ message: { role: "assistant", content: text, refusal: null }, logprobs }),
  piece: (text, first, logprobs) => ({
    delta: first ? { role: "assistant", content: text } : { content: text },
    logprobs
  }),
  lastPiece: { delta: {}, logprobs: null },
  logprobs: (tokens) => ({
    content: tokens.map(({ token, top }) => ({ ...probability(token), top_logprobs: top.map(probability) })),
    refusal: null
  })
}
