/**
 * A request's prompt as bytes of one spelling, so that prompts with a common beginning have a common beginning of bytes, whatever the
 * client wrote around it. They are hashed and forgotten.
 */
import { field } from "../settings/LooseJson.ts"

const encoder = new TextEncoder()

/** Ends of parts and of messages: bytes that UTF-8 text does not have. */
const partEnd = 0xfe
const messageEnd = 0xff

/** How many prompts and answers a request asks for: only one of each can be told apart in its usage. */
export interface PromptReading {
  readonly bytes: Uint8Array | undefined
  /** Why the request cannot become a row. */
  readonly problem: string | undefined
}

const unreadable = (problem: string): PromptReading => ({ bytes: undefined, problem })

class Bytes {
  private readonly pieces: Array<Uint8Array> = []

  text(text: string): void {
    this.pieces.push(encoder.encode(text))
  }

  mark(byte: number): void {
    this.pieces.push(Uint8Array.of(byte))
  }

  join(): Uint8Array {
    const joined = new Uint8Array(this.pieces.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const piece of this.pieces) {
      joined.set(piece, at)
      at += piece.length
    }
    return joined
  }
}

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)

const contentText = (content: unknown): string => {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  // A text part is its text; anything else (images, audio) is told apart by all that it says.
  return content
    .map((part: unknown) => {
      const text = field(part, "text")
      return typeof text === "string" ? text : JSON.stringify(part)
    })
    .join("")
}

const headerOf = (message: unknown): string =>
  ["role", "name", "tool_call_id"]
    .map((name) => field(message, name))
    .filter((word) => typeof word === "string")
    .join(" ")

const chatPrompt = (messages: ReadonlyArray<unknown>, tools: unknown): Uint8Array => {
  const bytes = new Bytes()
  if (isGiven(tools)) {
    bytes.text(JSON.stringify(tools))
    bytes.mark(messageEnd)
  }
  for (const message of messages) {
    bytes.text(headerOf(message))
    bytes.mark(partEnd)
    bytes.text(contentText(field(message, "content")))
    const calls = field(message, "tool_calls")
    if (isGiven(calls)) {
      bytes.mark(partEnd)
      bytes.text(JSON.stringify(calls))
    }
    bytes.mark(messageEnd)
  }
  return bytes.join()
}

const isToken = (value: unknown): value is number => typeof value === "number"

/** Four bytes a token, lowest first. */
const tokenPrompt = (tokens: ReadonlyArray<number>): Uint8Array => new Uint8Array(Uint32Array.from(tokens).buffer)

const completionPrompt = (prompt: unknown): PromptReading => {
  if (typeof prompt === "string") return { bytes: encoder.encode(prompt), problem: undefined }
  if (!Array.isArray(prompt) || prompt.length === 0) return unreadable("has no prompt")
  const list: ReadonlyArray<unknown> = prompt
  if (list.every(isToken)) return { bytes: tokenPrompt(list), problem: undefined }
  return list.length === 1 ? completionPrompt(list[0]) : unreadable("has several prompts")
}

/** The prompt of a body of `/v1/chat/completions` or `/v1/completions`. */
export const promptOf = (body: unknown): PromptReading => {
  const n = field(body, "n")
  const bestOf = field(body, "best_of")
  if ((isToken(n) && n > 1) || (isToken(bestOf) && bestOf > 1)) return unreadable("asks for several answers")
  const messages = field(body, "messages")
  if (Array.isArray(messages)) return { bytes: chatPrompt(messages, field(body, "tools")), problem: undefined }
  return completionPrompt(field(body, "prompt"))
}
