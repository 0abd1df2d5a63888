/**
 * A recording: exchanges with a server in, rows of a trace and measured requests out, text of prompts and answers nowhere.
 *
 * Rows come in the order in which answers end. A later turn has the time that its client took after the answer before it, so that a
 * replay on a slower deployment delays the whole conversation, as its user would have.
 */
import { mooncakeLine } from "../trace/TraceWriter.ts"
import type { AnswerTimes, Usage } from "./AnswerReader.ts"
import { type Conversation, Conversations, PromptTrail, type Waiting } from "./Conversations.ts"
import { PromptHashes } from "./PromptHashes.ts"
import { PromptIds } from "./PromptIds.ts"

/** Distinct prefixes that are recognised again, 48 bytes each. */
const maxPrefixes = 4_000_000
/** Conversations that may go on. */
const maxConversations = 100_000

/** A request that is being answered. */
export interface Exchange {
  readonly number: number
  readonly arrivalMs: number
  readonly trail: PromptTrail
  readonly conversation: Conversation
  /** The conversation as it was before; none for a first turn. */
  readonly before: Waiting | undefined
}

export interface RecordedLines {
  /** A line of the trace. */
  readonly row: string
  /** The request as it was measured, a line that `dynosim compare` reads. */
  readonly measured: string
}

/** Microseconds: what a clock of a process can mean. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

/** Differences to a time that was not seen are unknown. */
const orNull = (ms: number): number | null => (Number.isNaN(ms) ? null : rounded(ms))

export interface RecordingOptions {
  readonly traceBlockTokens: number
  readonly salt: string
  readonly followsSessions: boolean
}

export class Recording {
  recorded = 0
  private readonly options: RecordingOptions
  private readonly hashes: PromptHashes
  private readonly ids: PromptIds
  private readonly conversations = new Conversations(maxConversations)
  private startMs = Number.NaN
  private begun = 0

  constructor(options: RecordingOptions) {
    this.options = options
    this.hashes = new PromptHashes(options.salt)
    this.ids = new PromptIds(options.traceBlockTokens, maxPrefixes)
  }

  /** Whether there were more distinct prefixes than are recognised again. */
  get isFull(): boolean {
    return this.ids.isFull
  }

  /** A request comes in. Times count from the first one. */
  begin(prompt: Uint8Array, nowMs: number): Exchange {
    if (Number.isNaN(this.startMs)) this.startMs = nowMs
    this.begun += 1
    const trail = new PromptTrail(prompt, this.hashes)
    const before = this.options.followsSessions ? this.conversations.take(trail) : undefined
    const conversation = before ?? { id: this.conversations.start(), turn: -1, endedMs: nowMs }
    return {
      number: this.begun,
      arrivalMs: nowMs,
      trail,
      conversation: { ...conversation, turn: conversation.turn + 1 },
      before
    }
  }

  /** Its answer has been sent whole. */
  end(exchange: Exchange, usage: Usage, times: AnswerTimes, nowMs: number): RecordedLines {
    const { conversation, trail } = exchange
    this.recorded += 1
    if (this.options.followsSessions) this.conversations.wait({ ...conversation, endedMs: nowMs }, trail)
    return { row: this.rowOf(exchange, usage), measured: this.measuredOf(exchange, usage, times, nowMs) }
  }

  /** It got no answer that counts: what it went on with waits as before. */
  abandon({ before }: Exchange): void {
    if (before !== undefined) this.conversations.restore(before)
  }

  private rowOf({ arrivalMs, before, conversation, trail }: Exchange, usage: Usage): string {
    const promptTokens = Math.max(usage.promptTokens, 1)
    const size = { bytes: trail.bytes.length, tokens: promptTokens }
    const { followsSessions } = this.options
    return mooncakeLine({
      line: this.recorded,
      timestampMs: rounded(arrivalMs - this.startMs),
      promptTokens,
      outputTokens: Math.max(usage.completionTokens, 1),
      hashIds: this.ids.idsOf(trail.blocks, size),
      sessionId: followsSessions ? conversation.id : undefined,
      delayMs: before === undefined ? undefined : rounded(arrivalMs - before.endedMs),
      outputTokenIds: undefined,
      requestId: undefined,
      priority: 0,
      strictPriority: 0,
      policyClass: undefined
    })
  }

  private measuredOf(exchange: Exchange, usage: Usage, times: AnswerTimes, nowMs: number): string {
    const { arrivalMs, conversation } = exchange
    const { firstTokenMs, secondTokenMs } = times
    const lastTokenMs = Number.isNaN(times.lastTokenMs) ? nowMs : times.lastTokenMs
    const gaps = usage.completionTokens - 1
    const { followsSessions } = this.options
    const line = {
      session_id: followsSessions ? conversation.id : null,
      turn_index: followsSessions ? conversation.turn : null,
      uuid: `request-${exchange.number}`,
      arrival_time_ms: rounded(arrivalMs - this.startMs),
      first_token_ms: orNull(firstTokenMs - this.startMs),
      last_token_ms: rounded(lastTokenMs - this.startMs),
      ttft_ms: orNull(firstTokenMs - arrivalMs),
      ttst_ms: orNull(secondTokenMs - firstTokenMs),
      e2e_latency_ms: rounded(lastTokenMs - arrivalMs),
      itl_ms: gaps > 0 ? orNull((lastTokenMs - firstTokenMs) / gaps) : null,
      input_length: usage.promptTokens,
      output_length: usage.completionTokens,
      reused_input_tokens: usage.cachedTokens ?? null,
      terminal_status: "completed"
    }
    return `${JSON.stringify(line)}\n`
  }
}
