/** The track of a worker in a timeline: its passes as complete events (`X`), its state as counters (`C`) where that changes. */
import { encoded, type EncodedText, type TextBytes } from "../structures/TextBytes.ts"
import { type EventNumbers, nanoseconds, separator, writeSpan, writeTimestamp } from "./EventText.ts"
import { noPasses, type PassGroup, type PassGroups } from "./PassGroups.ts"

/** What stands between the numbers of events. */
const decodeTokensKey = encoded(',"decode_tokens":')
const busyKey = encoded(',"busy_ms":')
const tokensKey = encoded(',"args":{"tokens":')
const waitingKey = encoded(',"args":{"waiting":')
const runningKey = encoded(',"running":')
const activeKey = encoded(',"args":{"active":')
const cachedKey = encoded(',"cached":')
const closing = encoded("}}")

/** What events of several passes have before their times, and before the tokens computed in them. */
interface Several {
  readonly slice: EncodedText
  readonly prefillTokensKey: EncodedText
}

export class TrackText {
  private readonly out: TextBytes
  private readonly group = noPasses()
  /** What comes before times and numbers of its events. */
  private readonly slice: (name: string) => EncodedText
  /** By number of passes. */
  private readonly several = new Map<number, Several>()
  private readonly prefill: EncodedText
  private readonly decode: EncodedText
  private readonly requests: EncodedText
  private readonly blocks: EncodedText
  /** Counters as they were written last. */
  private waiting = Number.NaN
  private running = Number.NaN
  private activeBlocks = Number.NaN
  private cachedBlocks = Number.NaN

  constructor(out: TextBytes, { pid, tid }: EventNumbers, workerIndex: number) {
    const counter = (of: string): EncodedText =>
      encoded(`${separator}{"ph":"C","name":"worker ${workerIndex} ${of}","pid":${pid},"ts":`)
    this.out = out
    this.slice = (name) => encoded(`${separator}{"ph":"X","name":"${name}","pid":${pid},"tid":${tid},"ts":`)
    this.prefill = this.slice("prefill")
    this.decode = this.slice("decode")
    this.requests = counter("requests")
    this.blocks = counter("KV blocks")
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

  private writePasses({ busyMs, decodeTokens, endMs, passes, preemptions, prefillTokens, startMs }: PassGroup): void {
    const { out } = this
    const { prefillTokensKey, slice } = this.severalOf(passes)
    const busyNs = nanoseconds(busyMs)
    const isIdle = writeSpan(out.constant(slice), startMs, endMs) > busyNs
    out.constant(prefillTokensKey).number(prefillTokens)
    out.constant(decodeTokensKey).number(decodeTokens)
    // Otherwise its duration says it.
    if (isIdle) out.constant(busyKey).millionths(busyNs)
    this.endSlice(preemptions)
  }

  private severalOf(passes: number): Several {
    const known = this.several.get(passes)
    if (known !== undefined) return known
    const made = {
      slice: this.slice(`${passes} passes`),
      prefillTokensKey: encoded(`,"args":{"passes":${passes},"prefill_tokens":`)
    }
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

  private writePart(slice: EncodedText, fromMs: number, toMs: number, tokens: number, preemptions: number): void {
    const { out } = this
    writeSpan(out.constant(slice), fromMs, toMs)
    out.constant(tokensKey).number(tokens)
    this.endSlice(preemptions)
  }

  private endSlice(preemptions: number): void {
    const { out } = this
    if (preemptions > 0) out.text(',"preemptions":').number(preemptions)
    out.constant(closing)
  }

  private writeCounters({ activeBlocks, cachedBlocks, running, startMs, waiting }: PassGroup): void {
    const { out } = this
    if (waiting !== this.waiting || running !== this.running) {
      writeTimestamp(out.constant(this.requests), startMs)
      out.constant(waitingKey).number(waiting).constant(runningKey).number(running).constant(closing)
    }
    if (activeBlocks !== this.activeBlocks || cachedBlocks !== this.cachedBlocks) {
      writeTimestamp(out.constant(this.blocks), startMs)
      out.constant(activeKey).number(activeBlocks).constant(cachedKey).number(cachedBlocks).constant(closing)
    }
    this.waiting = waiting
    this.running = running
    this.activeBlocks = activeBlocks
    this.cachedBlocks = cachedBlocks
  }
}
