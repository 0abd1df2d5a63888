/** The two endpoints: how a body is read, and how answers look, whole and in pieces. */
import type * as Result from "effect/Result"
import type { ApiError } from "./ApiError.ts"
import { parseChat } from "./ChatRequest.ts"
import { parseCompletion } from "./CompletionRequest.ts"
import type { Generation, Usage } from "./Generation.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"

export interface Endpoint {
  readonly parse: (body: unknown) => Result.Result<GenerationSpec, ApiError>
  readonly idPrefix: string
  /** `object` of a whole answer and of a piece of one. */
  readonly wholeObject: string
  readonly pieceObject: string
  /** The text inside a choice of a whole answer. */
  readonly whole: (text: string) => object
  /** A piece of text inside a choice; the first one of a stream may say more. */
  readonly piece: (text: string, first: boolean) => object
  /** The choice that tells the end. */
  readonly lastPiece: object
}

export const completions: Endpoint = {
  parse: parseCompletion,
  idPrefix: "cmpl",
  wholeObject: "text_completion",
  pieceObject: "text_completion",
  whole: (text) => ({ text, logprobs: null }),
  piece: (text) => ({ text, logprobs: null }),
  lastPiece: { text: "", logprobs: null }
}

export const chat: Endpoint = {
  parse: parseChat,
  idPrefix: "chatcmpl",
  wholeObject: "chat.completion",
  pieceObject: "chat.completion.chunk",
  whole: (text) => ({ message: { role: "assistant", content: text, refusal: null }, logprobs: null }),
  piece: (text, first) => ({ delta: first ? { role: "assistant", content: text } : { content: text }, logprobs: null }),
  lastPiece: { delta: {}, logprobs: null }
}

/** What whole answers and pieces have in common. */
const head = (endpoint: Endpoint, object: string, { createdSeconds, number }: Generation, model: string) => ({
  id: `${endpoint.idPrefix}-${number}`,
  object,
  created: createdSeconds,
  model
})

export const wholeAnswer = (endpoint: Endpoint, generation: Generation, model: string, text: string): object => ({
  ...head(endpoint, endpoint.wholeObject, generation, model),
  choices: [{ index: 0, ...endpoint.whole(text), finish_reason: "length" }],
  usage: generation.usage
})

/** Writes the pieces of one streamed answer. All pieces but the first differ in their text alone, which needs no escaping. */
export class PieceWriter {
  private readonly endpoint: Endpoint
  private readonly head: object
  /** What comes before and after the text in a piece. */
  private readonly before: string
  private readonly after: string
  private readonly usage: { readonly usage?: null }
  private first = true

  constructor(endpoint: Endpoint, generation: Generation, model: string, withUsage: boolean) {
    this.endpoint = endpoint
    this.head = head(endpoint, endpoint.pieceObject, generation, model)
    this.usage = withUsage ? { usage: null } : {}
    const [before, after] = this.piece("\u0000").split(JSON.stringify("\u0000").slice(1, -1))
    this.before = before ?? ""
    this.after = after ?? ""
  }

  /** One piece per word. */
  words(words: ReadonlyArray<string>): string {
    let text = ""
    for (const word of words) {
      text += this.first ? this.piece(word, true) : this.before + word + this.after
      this.first = false
    }
    return text
  }

  end(usage: Usage | undefined): string {
    const last = event({
      ...this.head,
      choices: [{ index: 0, ...this.endpoint.lastPiece, finish_reason: "length" }],
      ...this.usage
    })
    const counts = usage === undefined ? "" : event({ ...this.head, choices: [], usage })
    return `${last}${counts}data: [DONE]\n\n`
  }

  private piece(text: string, first = false): string {
    return event({
      ...this.head,
      choices: [{ index: 0, ...this.endpoint.piece(text, first), finish_reason: null }],
      ...this.usage
    })
  }
}

/** A server-sent event. */
export const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
