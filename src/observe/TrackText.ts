/** The track of a worker in a timeline: its passes as complete events (`X`), its state as counters (`C`) where that changes. */
import type { TextBytes } from "../structures/TextBytes.ts"
import { millionths, type TextTemplate, textTemplate, thousandths, whole } from "../structures/TextTemplate.ts"
import { endOfArguments, EventHead, type EventNumbers, nanoseconds, separator } from "./EventText.ts"
import { noPasses, type PassGroup, type PassGroups } from "./PassGroups.ts"

/** Slices of one kind: with all that there is to say of most of them, and open for more. */
interface Slice {
  readonly whole: TextTemplate
  readonly open: TextTemplate
}

const prefillTokensArgument = textTemplate`,"prefill_tokens":${whole}`
const busyArgument = textTemplate`,"busy_ms":${millionths}`
const preemptionsArgument = textTemplate`,"preemptions":${whole}`

export class TrackText {
  private readonly out: TextBytes
  private readonly head: EventHead
  private readonly group = noPasses()
  /** Of what is written, in the order of its text. */
  private readonly numbers = new Float64Array(3)
  /** When the part that is written begins and ends, ns. */
  private readonly span = new Float64Array(2)
  private readonly prefill: Slice
  private readonly decode: Slice
  private readonly several: Slice
  private readonly requests: TextTemplate
  private readonly blocks: TextTemplate
  /** Counters as they were written last. */
  private waiting = Number.NaN
  private running = Number.NaN
  private activeBlocks = Number.NaN
  private cachedBlocks = Number.NaN

  constructor(out: TextBytes, { pid, tid }: EventNumbers, workerIndex: number) {
    const end = `,"ph":"X","pid":${pid},"tid":${tid},"name":"`
    const counter = (of: string, one: string, other: string): TextTemplate =>
      textTemplate`,"ph":"C","pid":${pid},"name":"worker ${workerIndex} ${of}","args":{"${one}":${whole},"${other}":${whole}}}`
    const part = (name: string, closing: string): TextTemplate =>
      textTemplate`,"dur":${thousandths}${end}${name}","args":{"tokens":${whole}${closing}`
    const passes = (closing: string): TextTemplate =>
      textTemplate`,"dur":${thousandths}${end}${whole} passes","args":{"decode_tokens":${whole}${closing}`
    const slice = (of: (closing: string) => TextTemplate): Slice => ({ whole: of("}}"), open: of("") })
    this.out = out
    this.head = new EventHead(out, textTemplate`${separator}{"ts":${thousandths}`)
    this.prefill = slice((closing) => part("prefill", closing))
    this.decode = slice((closing) => part("decode", closing))
    this.several = slice(passes)
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
    const { head, numbers, out, several } = this
    const startNs = nanoseconds(startMs)
    const durationNs = nanoseconds(endMs) - startNs
    const busyNs = nanoseconds(busyMs)
    // Otherwise its duration says it.
    const wasIdle = busyNs < durationNs
    head.next[0] = startNs
    head.write()
    numbers[0] = durationNs
    numbers[1] = passes
    numbers[2] = decodeTokens
    if (prefillTokens === 0 && preemptions === 0 && !wasIdle) {
      out.fill(several.whole, numbers)
      return
    }
    out.fill(several.open, numbers)
    if (prefillTokens > 0) out.fillOne(prefillTokensArgument, prefillTokens)
    if (wasIdle) out.fillOne(busyArgument, busyNs)
    this.closeSlice(preemptions)
  }

  private writeParts({ decodeTokens, endMs, preemptions, prefillEndMs, prefillTokens, startMs }: PassGroup): void {
    const { span } = this
    const both = prefillEndMs > startMs && endMs > prefillEndMs
    if (both || prefillTokens > 0 || decodeTokens === 0) {
      span[0] = nanoseconds(startMs)
      span[1] = nanoseconds(both || decodeTokens > 0 ? prefillEndMs : endMs)
      this.writePart(this.prefill, prefillTokens, preemptions)
    }
    if (both || decodeTokens > 0) {
      span[0] = nanoseconds(both ? prefillEndMs : Math.min(prefillEndMs, endMs))
      span[1] = nanoseconds(endMs)
      this.writePart(this.decode, decodeTokens, preemptions)
    }
  }

  private writePart(slice: Slice, tokens: number, preemptions: number): void {
    const { head, numbers, out, span } = this
    const fromNs = span[0]!
    const toNs = span[1]!
    head.next[0] = fromNs
    head.write()
    numbers[0] = toNs > fromNs ? toNs - fromNs : 0
    numbers[1] = tokens
    out.fill(preemptions === 0 ? slice.whole : slice.open, numbers)
    if (preemptions > 0) this.closeSlice(preemptions)
  }

  private closeSlice(preemptions: number): void {
    const { numbers, out } = this
    if (preemptions > 0) out.fillOne(preemptionsArgument, preemptions)
    out.fill(endOfArguments, numbers)
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
    const { head, numbers, out } = this
    head.write()
    numbers[0] = one
    numbers[1] = other
    out.fill(counter, numbers)
  }
}
