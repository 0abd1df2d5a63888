/**
 * Logs of a vLLM server, started with `--enable-log-requests`: what a request asks for, the tokens of its prompt (releases from 0.11 on tell
 * them at `VLLM_LOGGING_LEVEL=DEBUG` only) and, with `--enable-log-outputs`, those of its answer, each on a line of its own.
 *
 * A request is a row when its prompt's tokens and the number of its output tokens have been told: those of the logged answer, or `max_tokens`
 * where it ignores the end of the text. Others are left out and counted; no more is guessed.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { counted } from "../../settings/Counted.ts"
import type { LineBatch } from "../LineReader.ts"
import { TraceError } from "../TraceError.ts"
import { plainRow, type TraceRow } from "../TraceRow.ts"
import type { OpenForeign } from "./ForeignFormat.ts"
import { openLinesOf } from "./JsonLinesFormat.ts"
import { TokenPrompts } from "./TokenPrompts.ts"

/** That of vLLM's own KV blocks. */
const defaultBlockTokens = 16
/** Requests that wait for their other lines; the oldest are given up. */
const maxOpen = 100_000

const day = /\b(?:INFO|DEBUG) (\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) /
const received = /\bReceived request (\S+): /
const details = /\bRequest (\S+) details: /
const answered = /\bGenerated response (\S+?)(?: \(streaming complete\))?: /

/** Whether a line is of such a log. */
export const isVllmLogLine = (line: string): boolean => day.test(line) && (received.test(line) || details.test(line))

/** Lines of requests, as far as they have come. */
interface Open {
  readonly line: number
  readonly timestampMs: number
  tokens: ReadonlyArray<number> | undefined
  outputTokens: number | undefined
}

/** The last list of numbers behind `name: `: text of prompts and answers, which might look like one, stands before it. */
const listAfter = (text: string, name: string): ReadonlyArray<number> | undefined => {
  const start = text.lastIndexOf(`${name}: `)
  if (start < 0) return undefined
  const [, inner] = /^[[(]([\d,\s]*)[\])]/.exec(text.slice(start + name.length + 2)) ?? []
  if (inner === undefined) return undefined
  return inner
    .split(",")
    .filter((word) => word.trim() !== "")
    .map(Number)
}

/** Output tokens that a request cannot but have. */
const certainOutput = (text: string): number | undefined => {
  const parameters = text.slice(text.lastIndexOf("params: SamplingParams("))
  const [, maximum] = /\bmax_tokens=(\d+)\b/.exec(parameters) ?? []
  return maximum !== undefined && /\bignore_eos=True\b/.test(parameters) ? Number(maximum) : undefined
}

const msPerDay = 86_400_000

/** Times without a year, in whole seconds, counted from the first one; where they go back by months, a year has begun. */
class LogClock {
  private years = 0
  private lastMonth = 0
  private originMs = Number.NaN

  read(line: string): number | undefined {
    const [, month = "", ofMonth = "", hours = "", minutes = "", seconds = ""] = day.exec(line) ?? []
    if (month === "") return undefined
    if (Number(month) < this.lastMonth - 6) this.years += 1
    this.lastMonth = Number(month)
    const days = Date.UTC(2023 + this.years, Number(month) - 1, Number(ofMonth)) / msPerDay
    const ms = days * msPerDay + Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000
    if (Number.isNaN(this.originMs)) this.originMs = ms
    return ms - this.originMs
  }
}

class VllmLog {
  private readonly clock = new LogClock()
  private readonly prompts: TokenPrompts
  private readonly open = new Map<string, Open>()
  private withoutPrompt = 0
  private withoutOutput = 0
  rows = 0

  constructor(blockTokens: number) {
    this.prompts = new TokenPrompts(blockTokens)
  }

  take({ firstLine, texts }: LineBatch): ReadonlyArray<TraceRow> {
    return texts.flatMap((text, index) => this.line(text, firstLine + index) ?? [])
  }

  /** The log has ended: what is still open is left out. */
  end(): void {
    for (const request of this.open.values()) this.leaveOut(request)
    this.open.clear()
  }

  notices(): ReadonlyArray<string> {
    return [
      ...(this.rows === 0 ? [] : ["times are those of the log, in whole seconds"]),
      ...(this.withoutPrompt === 0
        ? []
        : [
            `left out: ${counted(this.withoutPrompt, "request")} of whose prompt the log does not say the tokens (--enable-log-requests, since vLLM 0.11 with VLLM_LOGGING_LEVEL=DEBUG)`
          ]),
      ...(this.withoutOutput === 0
        ? []
        : [
            `left out: ${counted(this.withoutOutput, "request")} of whose answer the log does not say how many tokens it has (--enable-log-outputs)`
          ])
    ]
  }

  private line(text: string, line: number): TraceRow | undefined {
    const [, arriving] = received.exec(text) ?? []
    if (arriving !== undefined) return this.arrive(arriving, text, line)
    const [, described] = details.exec(text) ?? []
    if (described !== undefined) return this.learn(described, { tokens: listAfter(text, "prompt_token_ids") })
    const [, ended] = answered.exec(text) ?? []
    if (ended === undefined) return undefined
    return this.learn(ended, { outputTokens: listAfter(text, "output_token_ids")?.length })
  }

  private arrive(id: string, text: string, line: number): TraceRow | undefined {
    const timestampMs = this.clock.read(text)
    if (timestampMs === undefined) return undefined
    this.open.set(id, { line, timestampMs, tokens: undefined, outputTokens: undefined })
    if (this.open.size > maxOpen) this.giveUpOldest()
    return this.learn(id, { tokens: listAfter(text, "prompt_token_ids"), outputTokens: certainOutput(text) })
  }

  private learn(id: string, found: Partial<Pick<Open, "tokens" | "outputTokens">>): TraceRow | undefined {
    const request = this.open.get(id)
    if (request === undefined) return undefined
    request.tokens ??= found.tokens
    request.outputTokens ??= found.outputTokens
    const { line, outputTokens, timestampMs, tokens } = request
    if (!tokens?.length || !outputTokens) return undefined
    this.open.delete(id)
    this.rows += 1
    return plainRow({
      line,
      timestampMs,
      promptTokens: tokens.length,
      outputTokens,
      hashIds: this.prompts.idsOf(tokens),
      requestId: id
    })
  }

  private giveUpOldest(): void {
    for (const [id, request] of this.open) {
      this.open.delete(id)
      return this.leaveOut(request)
    }
  }

  private leaveOut({ tokens }: Open): void {
    if (tokens?.length) this.withoutOutput += 1
    else this.withoutPrompt += 1
  }
}

export const openVllmLog: OpenForeign = ({ file, traceBlockTokens = defaultBlockTokens }) =>
  Effect.map(openLinesOf(file), (lines) => {
    let latest: VllmLog | undefined
    const rows = Stream.suspend(() => {
      const log = new VllmLog(traceBlockTokens)
      latest = log
      const ended = Effect.suspend(() => {
        log.end()
        const [problem] = log.notices()
        return log.rows > 0 || problem === undefined ? Effect.void : Effect.fail(new TraceError({ file, problem }))
      })
      return lines.pipe(
        Stream.map((batch) => log.take(batch)),
        Stream.flattenIterable,
        Stream.concat(Stream.drain(Stream.fromEffect(ended)))
      )
    })
    return {
      traceBlockTokens,
      accumulatesPrompts: false,
      isGraph: false,
      rows,
      notices: () => latest?.notices() ?? []
    }
  })
