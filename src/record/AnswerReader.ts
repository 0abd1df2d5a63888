/**
 * What an answer says of itself while it passes through: its usage, and when its tokens came. Its text is not looked at.
 *
 * A stream tells its usage in its last event, if it is asked to. Where the client has not asked, the recorder has, and keeps that event
 * to itself.
 */
import { field, parsedJson } from "../settings/LooseJson.ts"

/** Token counts as the server has counted them. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  /** Prompt tokens found in its prefix cache, where it says so. */
  readonly cachedTokens: number | undefined
}

const countAt = (value: unknown, name: string): number | undefined => {
  const count = field(value, name)
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

const usageOf = (answer: unknown): Usage | undefined => {
  const usage = field(answer, "usage")
  const promptTokens = countAt(usage, "prompt_tokens")
  const completionTokens = countAt(usage, "completion_tokens")
  if (promptTokens === undefined || completionTokens === undefined) return undefined
  return {
    promptTokens,
    completionTokens,
    cachedTokens: countAt(field(usage, "prompt_tokens_details"), "cached_tokens")
  }
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Whether an event brings something of the answer, and not only its frame. */
const bringsToken = (event: unknown): boolean => {
  const choices = field(event, "choices")
  if (!Array.isArray(choices)) return false
  const [choice]: ReadonlyArray<unknown> = choices
  const text = field(choice, "text")
  if (typeof text === "string" && text !== "") return true
  const delta = field(choice, "delta")
  return ["content", "reasoning_content", "reasoning", "tool_calls"].some((name) => {
    const piece = field(delta, name)
    return typeof piece === "string" ? piece !== "" : Array.isArray(piece) && piece.length > 0
  })
}

/** Times of an answer, ms; `NaN` where nothing was seen. */
export interface AnswerTimes {
  readonly firstTokenMs: number
  readonly secondTokenMs: number
  readonly lastTokenMs: number
}

export interface AnswerReader {
  /** Takes a piece at its time; returns what of it goes on to the client. */
  readonly take: (piece: Uint8Array, nowMs: number) => Uint8Array
  /** What is left for the client at the end. */
  readonly rest: () => Uint8Array
  readonly usage: () => Usage | undefined
  readonly times: () => AnswerTimes
}

const nothing = new Uint8Array(0)
const unseen: AnswerTimes = { firstTokenMs: Number.NaN, secondTokenMs: Number.NaN, lastTokenMs: Number.NaN }

/** An answer that comes as one JSON value. */
export const wholeAnswer = (): AnswerReader => {
  const pieces: Array<Uint8Array> = []
  return {
    take: (piece) => {
      pieces.push(piece)
      return piece
    },
    rest: () => nothing,
    usage: () => usageOf(parsedJson(Buffer.concat(pieces).toString("utf8"))),
    times: () => unseen
  }
}

const newline = 0x0a

/** A stream of server-sent events; `keepsUsage`: the event with nothing but the usage is not the client's. */
export const streamedAnswer = (keepsUsage: boolean): AnswerReader => {
  let usage: Usage | undefined
  let times = unseen
  let open: Uint8Array = nothing
  const decoder = new TextDecoder()

  /** Whether the event goes on to the client. */
  const passes = (event: Uint8Array, nowMs: number): boolean => {
    const line = decoder.decode(event).trim()
    if (!line.startsWith("data:")) return true
    const value = parsedJson(line.slice("data:".length))
    usage = usageOf(value) ?? usage
    if (bringsToken(value)) times = withToken(times, nowMs)
    return !(keepsUsage && isEmptyList(field(value, "choices")) && usageOf(value) !== undefined)
  }

  return {
    take: (piece, nowMs) => {
      const bytes = open.length === 0 ? piece : Buffer.concat([open, piece])
      const passed: Array<Uint8Array> = []
      let start = 0
      for (let end = eventEnd(bytes, 0); end > 0; end = eventEnd(bytes, start)) {
        const event = bytes.subarray(start, end)
        if (passes(event, nowMs)) passed.push(event)
        start = end
      }
      open = bytes.subarray(start)
      return passed.length === 1 ? passed[0]! : Buffer.concat(passed)
    },
    rest: () => open,
    usage: () => usage,
    times: () => times
  }
}

const withToken = ({ firstTokenMs, secondTokenMs }: AnswerTimes, nowMs: number): AnswerTimes => ({
  firstTokenMs: Number.isNaN(firstTokenMs) ? nowMs : firstTokenMs,
  secondTokenMs: Number.isNaN(firstTokenMs) || !Number.isNaN(secondTokenMs) ? secondTokenMs : nowMs,
  lastTokenMs: nowMs
})

/** Behind the empty line that ends an event; 0 when none has come yet. */
const eventEnd = (bytes: Uint8Array, start: number): number => {
  for (let at = bytes.indexOf(newline, start); at >= 0; at = bytes.indexOf(newline, at + 1)) {
    if (bytes[at + 1] === newline) return at + 2
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === newline) return at + 3
  }
  return 0
}
