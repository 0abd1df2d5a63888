/** The track of a worker in a timeline: its passes as complete events (`X`), its state as counters (`C`) where that changes. */
import { encoded } from "../structures/EncodedText.ts"
import type { TextBytes } from "../structures/TextBytes.ts"
import { type TextTemplate, textTemplate, thousandths, whole } from "../structures/TextTemplate.ts"
import { type EventNumbers, nanoseconds, separator } from "./EventText.ts"
import { noPasses, type PassGroup, type PassGroups } from "./PassGroups.ts"

const busyKey = encoded(',"busy_ms":')
const preemptionsKey = encoded(',"preemptions":')
const closing = encoded("}}")

export class TrackText {
  private readonly out: TextBytes
  private readonly place: EventNumbers
  private readonly group = noPasses()
  /** Of the event that is written, in the order of its text. */
  private readonly numbers = new Float64Array(4)
  /** Slices, but for their end. */
  private readonly prefill: TextTemplate
  private readonly decode: TextTemplate
  private severalPasses = 0
  private several: TextTemplate
  private readonly requests: TextTemplate
  private readonly blocks: TextTemplate
  /** Counters as they were written last. */
  private waiting = Number.NaN
  private running = Number.NaN
  private activeBlocks = Number.NaN
  private cachedBlocks = Number.NaN

  constructor(out: TextBytes, place: EventNumbers, workerIndex: number) {
    const { pid, tid } = place
    const part = (name: string): TextTemplate =>
      textTemplate`${separator}{"ph":"X","name":"${name}","pid":${pid},"tid":${tid},"ts":${thousandths},"dur":${thousandths},"args":{"tokens":${whole}`
    const counter = (of: string, one: string, other: string): TextTemplate =>
      textTemplate`${separator}{"ph":"C","name":"worker ${workerIndex} ${of}","pid":${pid},"ts":${thousandths},"args":{"${one}":${whole},"${other}":${whole}}}`
    this.out = out
    this.place = place
    this.prefill = part("prefill")
    this.decode = part("decode")
    this.several = this.slice(0)
    this.requests = counter("requests", "waiting", "running")
    this.blocks = counter("KV blocks", "active", "cached")
  }

  /** Writes groups from this one on until the text is so long; returns the next one. */
  write(groups: PassGroups, from: number, untilBytes: number): number {
    const { group, out } = this
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

  private writePasses(group: PassGroup): void {
    const { numbers, out } = this
    const busyNs = nanoseconds(group.busyMs)
    this.span(group.startMs, group.endMs)
    numbers[2] = group.prefillTokens
    numbers[3] = group.decodeTokens
    out.fill(this.sliceOf(group.passes), numbers)
    // Otherwise its duration says it.
    if (numbers[1]! > busyNs) out.constant(busyKey).millionths(busyNs)
    this.endSlice(group.preemptions)
  }

  /** Nearly all of them are of as many passes as the last one. */
  private sliceOf(passes: number): TextTemplate {
    if (passes !== this.severalPasses) {
      this.severalPasses = passes
      this.several = this.slice(passes)
    }
    return this.several
  }

  private slice(passes: number): TextTemplate {
    const { pid, tid } = this.place
    return textTemplate`${separator}{"ph":"X","name":"${passes} passes","pid":${pid},"tid":${tid},"ts":${thousandths},"dur":${thousandths},"args":{"passes":${passes},"prefill_tokens":${whole},"decode_tokens":${whole}`
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

  private writePart(slice: TextTemplate, fromMs: number, toMs: number, tokens: number, preemptions: number): void {
    const { numbers, out } = this
    this.span(fromMs, toMs)
    numbers[2] = tokens
    out.fill(slice, numbers)
    this.endSlice(preemptions)
  }

  /** Its first two numbers: when it begins, and how long it takes. */
  private span(fromMs: number, toMs: number): void {
    const { numbers } = this
    const fromNs = nanoseconds(fromMs)
    const toNs = nanoseconds(toMs)
    numbers[0] = fromNs
    numbers[1] = toNs > fromNs ? toNs - fromNs : 0
  }

  private endSlice(preemptions: number): void {
    const { out } = this
    if (preemptions > 0) out.constant(preemptionsKey).number(preemptions)
    out.constant(closing)
  }

  private writeCounters(group: PassGroup): void {
    const { numbers, out } = this
    const { activeBlocks, cachedBlocks, running, waiting } = group
    numbers[0] = nanoseconds(group.startMs)
    if (waiting !== this.waiting || running !== this.running) {
      numbers[1] = waiting
      numbers[2] = running
      out.fill(this.requests, numbers)
    }
    if (activeBlocks !== this.activeBlocks || cachedBlocks !== this.cachedBlocks) {
      numbers[1] = activeBlocks
      numbers[2] = cachedBlocks
      out.fill(this.blocks, numbers)
    }
    this.waiting = waiting
    this.running = running
    this.activeBlocks = activeBlocks
    this.cachedBlocks = cachedBlocks
  }
}
