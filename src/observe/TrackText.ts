/** The track of a worker in a timeline: its passes as complete events (`X`), its state as counters (`C`) where that changes. */
import { encoded } from "../structures/EncodedText.ts"
import type { TextBytes } from "../structures/TextBytes.ts"
import { type TextTemplate, textTemplate, thousandths, whole } from "../structures/TextTemplate.ts"
import { EventHead, type EventNumbers, nanoseconds, separator } from "./EventText.ts"
import { noPasses, type PassGroup, type PassGroups } from "./PassGroups.ts"

const prefillTokensKey = encoded(',"prefill_tokens":')
const busyKey = encoded(',"busy_ms":')
const preemptionsKey = encoded(',"preemptions":')
const closing = encoded("}}")

/** Slices of one kind: with all that there is to say of most of them, and open for more. */
interface Slice {
  readonly whole: TextTemplate
  readonly open: TextTemplate
}

export class TrackText {
  private readonly out: TextBytes
  private readonly place: EventNumbers
  private readonly group = noPasses()
  private readonly head: EventHead
  /** Of what is written, in the order of its text. */
  private readonly numbers = new Float64Array(2)
  /** When the slice that is written begins and ends, ms. */
  private readonly span = new Float64Array(2)
  private readonly prefill: Slice
  private readonly decode: Slice
  private severalPasses = 0
  private several: Slice
  private readonly requests: TextTemplate
  private readonly blocks: TextTemplate
  /** Counters as they were written last. */
  private waiting = Number.NaN
  private running = Number.NaN
  private activeBlocks = Number.NaN
  private cachedBlocks = Number.NaN

  constructor(out: TextBytes, place: EventNumbers, workerIndex: number) {
    const counter = (of: string, one: string, other: string): TextTemplate =>
      textTemplate`,"ph":"C","pid":${place.pid},"name":"worker ${workerIndex} ${of}","args":{"${one}":${whole},"${other}":${whole}}}`
    this.out = out
    this.place = place
    this.head = new EventHead(out, textTemplate`${separator}{"ts":${thousandths}`)
    this.prefill = this.slice("prefill", "tokens")
    this.decode = this.slice("decode", "tokens")
    this.several = this.decode
    this.requests = counter("requests", "waiting", "running")
    this.blocks = counter("KV blocks", "active", "cached")
  }

  /** Writes groups from this one on until the text is so long; returns the next one. */
  write(groups: PassGroups, from: number, untilBytes: number): number {
    const { group, head, out } = this
    head.forget()
    let index = from
    while (index < groups.length && out.length < untilBytes) this.writeGroup(groups.at(index++, group))
    return index
  }

  /** One pass as its two parts, several as one slice. */
  private writeGroup(group: PassGroup): void {
    if (group.passes > 1) this.writePasses(group)
    else this.writeParts(group)
    this.writeCounters(group)
  }

  private writePasses({ busyMs, decodeTokens, endMs, passes, preemptions, prefillTokens, startMs }: PassGroup): void {
    const { out, span } = this
    const slice = this.sliceOf(passes)
    const busyNs = nanoseconds(busyMs)
    // Otherwise its duration says it.
    const wasIdle = busyNs < nanoseconds(endMs) - nanoseconds(startMs)
    span[0] = startMs
    span[1] = endMs
    if (prefillTokens === 0 && preemptions === 0 && !wasIdle) {
      this.writeSlice(slice.whole, decodeTokens)
      return
    }
    this.writeSlice(slice.open, decodeTokens)
    if (prefillTokens > 0) out.constant(prefillTokensKey).number(prefillTokens)
    if (wasIdle) out.constant(busyKey).millionths(busyNs)
    this.closeSlice(preemptions)
  }

  /** Nearly all of them are of as many passes as the last one. */
  private sliceOf(passes: number): Slice {
    if (passes !== this.severalPasses) {
      this.severalPasses = passes
      this.several = this.slice(`${passes} passes`, "decode_tokens")
    }
    return this.several
  }

  private slice(name: string, tokens: string): Slice {
    const { pid, tid } = this.place
    const slice = (closing: string): TextTemplate =>
      textTemplate`,"dur":${thousandths},"ph":"X","pid":${pid},"tid":${tid},"name":"${name}","args":{"${tokens}":${whole}${closing}`
    return { whole: slice("}}"), open: slice("") }
  }

  private writeParts({ decodeTokens, endMs, preemptions, prefillEndMs, prefillTokens, startMs }: PassGroup): void {
    const { span } = this
    const both = prefillEndMs > startMs && endMs > prefillEndMs
    if (both || prefillTokens > 0 || decodeTokens === 0) {
      span[0] = startMs
      span[1] = both || decodeTokens > 0 ? prefillEndMs : endMs
      this.writePart(this.prefill, prefillTokens, preemptions)
    }
    if (both || decodeTokens > 0) {
      span[0] = both ? prefillEndMs : Math.min(prefillEndMs, endMs)
      span[1] = endMs
      this.writePart(this.decode, decodeTokens, preemptions)
    }
  }

  private writePart(slice: Slice, tokens: number, preemptions: number): void {
    if (preemptions === 0) {
      this.writeSlice(slice.whole, tokens)
      return
    }
    this.writeSlice(slice.open, tokens)
    this.closeSlice(preemptions)
  }

  private writeSlice(template: TextTemplate, tokens: number): void {
    const { head, numbers, out, span } = this
    const fromNs = nanoseconds(span[0]!)
    const toNs = nanoseconds(span[1]!)
    head.next[0] = fromNs
    head.write()
    numbers[0] = toNs > fromNs ? toNs - fromNs : 0
    numbers[1] = tokens
    out.fill(template, numbers)
  }

  private closeSlice(preemptions: number): void {
    const { out } = this
    if (preemptions > 0) out.constant(preemptionsKey).number(preemptions)
    out.constant(closing)
  }

  private writeCounters({ activeBlocks, cachedBlocks, running, startMs, waiting }: PassGroup): void {
    this.head.next[0] = nanoseconds(startMs)
    if (waiting !== this.waiting || running !== this.running) this.writeCounter(this.requests, waiting, running)
    if (activeBlocks !== this.activeBlocks || cachedBlocks !== this.cachedBlocks) {
      this.writeCounter(this.blocks, activeBlocks, cachedBlocks)
    }
    this.waiting = waiting
    this.running = running
    this.activeBlocks = activeBlocks
    this.cachedBlocks = cachedBlocks
  }

  private writeCounter(counter: TextTemplate, one: number, other: number): void {
    const { numbers, out } = this
    this.head.write()
    numbers[0] = one
    numbers[1] = other
    out.fill(counter, numbers)
  }
}
