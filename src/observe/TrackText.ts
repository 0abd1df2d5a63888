/** The track of a worker in a timeline: its passes as complete events (`X`), its state as counters (`C`) where that changes. */
import type { TextBytes } from "../structures/TextBytes.ts"
import { type EventNumbers, separator, writeSpan, writeTimestamp } from "./EventText.ts"
import type { PassGroup } from "./PassGroups.ts"

export class TrackText {
  private readonly out: TextBytes
  /** What comes before times and numbers of its events. */
  private readonly slice: (name: string) => string
  /** By number of passes. */
  private readonly several = new Map<number, string>()
  private readonly prefill: string
  private readonly decode: string
  private readonly requests: string
  private readonly blocks: string
  /** Counters as they were written last. */
  private waiting = Number.NaN
  private running = Number.NaN
  private activeBlocks = Number.NaN
  private cachedBlocks = Number.NaN

  constructor(out: TextBytes, { pid, tid }: EventNumbers, workerIndex: number) {
    const counter = (of: string): string =>
      `${separator}{"ph":"C","name":"worker ${workerIndex} ${of}","pid":${pid},"ts":`
    this.out = out
    this.slice = (name) => `${separator}{"ph":"X","name":"${name}","pid":${pid},"tid":${tid},"ts":`
    this.prefill = this.slice("prefill")
    this.decode = this.slice("decode")
    this.requests = counter("requests")
    this.blocks = counter("KV blocks")
  }

  /** The events of a group of passes: one pass as its two parts, several as one slice. */
  write(group: PassGroup): void {
    if (group.passes > 1) this.writePasses(group)
    else this.writeParts(group)
    this.writeCounters(group)
  }

  private writePasses({ busyMs, decodeTokens, endMs, passes, preemptions, prefillTokens, startMs }: PassGroup): void {
    const { out } = this
    out.text(this.sliceOf(passes))
    writeSpan(out, startMs, endMs)
    out.text(',"args":{"passes":').number(passes)
    out.text(',"prefill_tokens":').number(prefillTokens)
    out.text(',"decode_tokens":').number(decodeTokens)
    out.text(',"busy_ms":').decimal(Math.round(busyMs * 1e6), 6)
    this.endSlice(preemptions)
  }

  private sliceOf(passes: number): string {
    const known = this.several.get(passes)
    if (known !== undefined) return known
    const made = this.slice(`${passes} passes`)
    this.several.set(passes, made)
    return made
  }

  private writeParts({ decodeTokens, endMs, preemptions, prefillEndMs, prefillTokens, startMs }: PassGroup): void {
    const both = prefillEndMs > startMs && endMs > prefillEndMs
    if (both || prefillTokens > 0 || decodeTokens === 0) {
      const toMs = both || decodeTokens > 0 ? prefillEndMs : endMs
      this.writePart(this.prefill, startMs, toMs, prefillTokens, preemptions)
    }
    if (both || decodeTokens > 0) {
      this.writePart(this.decode, both ? prefillEndMs : Math.min(prefillEndMs, endMs), endMs, decodeTokens, preemptions)
    }
  }

  private writePart(slice: string, fromMs: number, toMs: number, tokens: number, preemptions: number): void {
    const { out } = this
    out.text(slice)
    writeSpan(out, fromMs, toMs)
    out.text(',"args":{"tokens":').number(tokens)
    this.endSlice(preemptions)
  }

  private endSlice(preemptions: number): void {
    const { out } = this
    if (preemptions > 0) out.text(',"preemptions":').number(preemptions)
    out.text("}}")
  }

  private writeCounters({ activeBlocks, cachedBlocks, running, startMs, waiting }: PassGroup): void {
    const { out } = this
    if (waiting !== this.waiting || running !== this.running) {
      writeTimestamp(out.text(this.requests), startMs)
      out.text(',"args":{"waiting":').number(waiting).text(',"running":').number(running).text("}}")
    }
    if (activeBlocks !== this.activeBlocks || cachedBlocks !== this.cachedBlocks) {
      writeTimestamp(out.text(this.blocks), startMs)
      out.text(',"args":{"active":').number(activeBlocks).text(',"cached":').number(cachedBlocks).text("}}")
    }
    this.waiting = waiting
    this.running = running
    this.activeBlocks = activeBlocks
    this.cachedBlocks = cachedBlocks
  }
}
