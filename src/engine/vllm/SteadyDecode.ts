/**
 * The requests of a worker that decode steadily: each emits one token in every pass and needs nothing else, until it is due.
 *
 *     running     [ A  B  C  D | E  F ]          the first `size` are members, in the order of their admission; E and F are not (yet)
 *                  members ────┘
 *     calendar    [ · | B | · | A D | · | C ]    by step modulo its length: who is due with the token of that step
 *                   └ step 64 was the last; with the token of step 65 B is due, with that of 67 A and D are
 *
 * Due is a member to whom something happens with a token: it is the second one, opens a KV block, or is the last. Nothing is
 * written to a member in between: its counters are those of the step `exactStep`, and whoever wants them brings it up to date. A step costs
 * the same for any number of members, plus a constant for each one that is due. Who is due and finds no block, as the one evicted for it is
 * copied first, is late: it stays a member, but is due with the next step again. Whatever else could tell members apart (a budget too small for
 * all of them, nobody to evict for somebody who is due, a preemption, an abort) dissolves the batch first.
 */
import type { Sequence } from "./Sequence.ts"
import { BitSet } from "../../structures/BitSet.ts"
import { emptyObjects } from "../../structures/EmptyObjects.ts"
import { BlocksTaken } from "../BlocksTaken.ts"

/** Who is due later than that is looked at in between, for nothing. */
const maxCalendar = 1024

/** Shared by all workers without a member. */
const noBlocks = new BlocksTaken(0)
const noSlots = new BitSet(0)

export class SteadyDecode {
  size = 0
  /** Known tokens of all members. */
  contextTokens = 0
  /** Blocks that members have taken before each step from now, up to the first one behind those of {@link stepsWithin}. */
  blocksTaken = noBlocks
  /** The members' token of this pass is scheduled, but not emitted yet. */
  scheduled = false
  /** Members that are late: the token that they emit next is computed already. */
  late: number
  /** When the members last emitted a token, and when before that, ms; what those that are late know of themselves. */
  private lastTokenMs = Number.NaN
  private lastButOneMs = Number.NaN
  /** Steps taken so far. */
  private step = 0
  /** The last of each circular list, whose `nextDue` is the first; made for the first member. */
  private calendar: Array<Sequence | undefined> = emptyObjects()
  private readonly calendarLength: number
  /** Places of the calendar at which somebody is due. */
  private dueSlots = noSlots
  private readonly blockTokens: number

  constructor(blockTokens: number) {
    this.blockTokens = blockTokens
    // V8 takes what only an initialiser writes for constant, and throws away what it compiled for that with the first change.
    this.late = 0
    // A power would be a fraction to V8, and with it every step and count that comes of it.
    this.calendarLength = 1 << Math.ceil(Math.log2(Math.min(blockTokens + 1, maxCalendar)))
  }

  /** The running request behind the last member becomes one: its last token came at `tokenMs`, with everybody's. */
  join(sequence: Sequence, tokenMs: number): void {
    if (this.calendar.length === 0) {
      this.calendar = Array.from({ length: this.calendarLength }, () => undefined)
      this.blocksTaken = new BlocksTaken(this.calendarLength)
      this.dueSlots = new BitSet(this.calendarLength)
    }
    this.lastTokenMs = tokenMs
    this.size += 1
    this.contextTokens += sequence.knownTokens
    sequence.exactStep = this.step
    this.schedule(sequence)
  }

  /** Members that are due in the next step: so many blocks are enough for it. */
  get due(): number {
    const last = this.listAt(this.step + 1)
    if (last === undefined) return 0
    let count = 1
    for (let each = last.nextDue; each !== last; each = each!.nextDue) count += 1
    return count
  }

  /** Somebody who is late still waits for room. */
  get awaitsRoom(): boolean {
    if (this.late === 0) return false
    const last = this.listAt(this.step + 1)
    for (let each = last?.nextDue; each !== undefined; each = each.nextDue) {
      if (each.isBlocked) return true
      if (each === last) return false
    }
    return false
  }

  /** Steps from now in which nobody is due. */
  get quietSteps(): number {
    return this.size === 0 ? 0 : this.dueFrom(this.step + 1) - this.step - 1
  }

  /**
   * Steps from now in which nobody who is due does more than open a block, all of them with no more than `blocks` blocks but the last one, which
   * may need some of `more`, though not for everybody; at most so many that nobody is due twice. What was taken before each of these steps,
   * and behind the last one, is in {@link blocksTaken}.
   */
  stepsWithin(blocks: number, more = 0): number {
    if (this.size === 0) return 0
    const { blocksTaken } = this
    const most = blocks + (more < this.size ? more : this.size - 1)
    const first = this.step + 1
    let end = this.step + this.calendarLength
    let taken = 0
    let next = first
    blocksTaken.clear()
    while (taken <= blocks) {
      next = this.dueFrom(next)
      if (next >= end) {
        next = end
        break
      }
      const before = taken
      const last = this.listAt(next)!
      for (let each = last.nextDue!; ; each = each.nextDue!) {
        const place = this.placeInBlock(each, next)
        const again = this.dueAgain(each, next, place)
        if (again === next || (place === 0 && taken === most)) {
          blocksTaken.add(next - first + 1, before)
          return next - first
        }
        if (again < end) end = again
        if (place === 0) taken += 1
        if (each === last) break
      }
      next += 1
      if (taken > before) blocksTaken.add(next - first, before)
    }
    blocksTaken.add(next - first + 1, taken)
    return next - first
  }

  /** How many tokens of its block there are before the one that a member emits in `step`. */
  private placeInBlock({ exactStep, knownTokens }: Sequence, step: number): number {
    return (knownTokens + step - exactStep - 1) % this.blockTokens
  }

  /**
   * The step in which a member is due again that is due in `step`, with a token at `place` in its block; the same step where it ends, or has
   * filled a block that others may know.
   */
  private dueAgain(
    { exactStep, fullBlocks, generatedTokens, keys, maxOutputTokens }: Sequence,
    step: number,
    place: number
  ): number {
    if (place === 0 && fullBlocks < keys.length) return step
    const untilBoundary = this.blockTokens - place
    const untilLast = maxOutputTokens - generatedTokens - (step - exactStep)
    return step + (untilBoundary < untilLast ? untilBoundary : untilLast)
  }

  /**
   * Every member emits a token at `tokenMs`. Returns the first one that is due, up to date; the others follow by {@link nextOf}. For
   * each of them {@link schedule}, {@link leave} or, without its token, {@link delay} must follow.
   */
  takeStep(tokenMs: number): Sequence | undefined {
    const slot = (this.step + 1) & (this.calendarLength - 1)
    const last = this.calendar[slot]
    this.lastButOneMs = this.lastTokenMs
    this.takeQuietSteps(1, tokenMs)
    if (last === undefined) return undefined
    const first = last.nextDue!
    last.nextDue = undefined
    this.clearSlot(slot)
    this.bringUpToDate(first)
    return first
  }

  /** The due member behind this one, up to date; ask before this one is scheduled again. */
  nextOf(sequence: Sequence): Sequence | undefined {
    const next = sequence.nextDue
    if (next !== undefined) this.bringUpToDate(next)
    return next
  }

  /** Takes `steps` of {@link quietSteps} at once, the last of them at `tokenMs`. */
  takeQuietSteps(steps: number, tokenMs: number): void {
    this.step += steps
    this.contextTokens += steps * this.size
    this.lastTokenMs = tokenMs
    this.scheduled = false
  }

  /** A due member found no room for its token, and has given it back. */
  delay(sequence: Sequence): void {
    if (!sequence.isLate) {
      sequence.isLate = true
      sequence.lastTokenMs = this.lastButOneMs
      this.late += 1
    }
    sequence.countdown = 1
    this.contextTokens -= 1
    this.schedule(sequence)
  }

  /** A late member has its token. */
  catchUp(sequence: Sequence): void {
    sequence.isLate = false
    this.late -= 1
  }

  /** A member whose countdown begins anew is due when that has run down. */
  schedule(sequence: Sequence): void {
    const mostSteps = this.calendarLength - 1
    const steps = sequence.countdown < mostSteps ? sequence.countdown : mostSteps
    sequence.dueStep = this.step + steps
    const slot = sequence.dueStep & (this.calendarLength - 1)
    const last = this.calendar[slot]
    if (last === undefined) {
      sequence.nextDue = sequence
      this.calendar[slot] = sequence
      this.dueSlots.add(slot)
      return
    }
    let before = last
    if (sequence.turn > last.turn) this.calendar[slot] = sequence
    else while (before.nextDue!.turn < sequence.turn) before = before.nextDue!
    sequence.nextDue = before.nextDue
    before.nextDue = sequence
  }

  /** A due member is one no longer; it is out of the calendar already. */
  leave(sequence: Sequence): void {
    this.size -= 1
    this.contextTokens -= sequence.knownTokens
  }

  /** Nobody is a member any more: writes to the first `size` of the running requests how far they are. */
  dissolve(running: ReadonlyArray<Sequence>): void {
    for (let index = 0; index < this.size; index++) {
      const sequence = running[index]!
      this.bringUpToDate(sequence)
      if (this.scheduled || sequence.isLate) sequence.computedTokens += 1
      sequence.isLate = false
      sequence.countdown = sequence.dueStep - this.step
      sequence.nextDue = undefined
      this.clearSlot(sequence.dueStep & (this.calendarLength - 1))
    }
    this.size = 0
    this.contextTokens = 0
    this.late = 0
    this.scheduled = false
  }

  /** Throws when the calendar or the sum contradict the members, the first `size` of the running requests. */
  checkInvariants(running: ReadonlyArray<Sequence>): void {
    let listed = 0
    for (let step = this.step + 1; step < this.step + this.calendar.length; step++) {
      const last = this.listAt(step)
      if (last === undefined) continue
      for (let each = last.nextDue!; ; each = each.nextDue!) {
        listed += 1
        if (each.dueStep !== step) throw new Error(`a request due in step ${each.dueStep} is listed for step ${step}`)
        if (each === last) break
        if (each.turn >= each.nextDue!.turn) throw new Error("requests are due out of their order")
      }
    }
    let contextTokens = 0
    let late = 0
    for (const sequence of running.slice(0, this.size)) {
      contextTokens += sequence.knownTokens + this.step - sequence.exactStep
      if (sequence.isLate) late += 1
    }
    if (late !== this.late) throw new Error(`${late} requests are late for a token, counted ${this.late}`)
    if (listed !== this.size) throw new Error(`${this.size} requests decode steadily, ${listed} are in the calendar`)
    if (contextTokens !== this.contextTokens) {
      throw new Error(`requests in steady decode know ${contextTokens} tokens, counted ${this.contextTokens}`)
    }
  }

  private listAt(step: number): Sequence | undefined {
    return this.calendar[step & (this.calendarLength - 1)]
  }

  private clearSlot(slot: number): void {
    this.calendar[slot] = undefined
    this.dueSlots.remove(slot)
  }

  /** The first step from this one on in which somebody is due who is in the calendar; it may be a whole turn away. There must be one. */
  private dueFrom(step: number): number {
    const slot = step & (this.calendarLength - 1)
    const found = this.dueSlots.nextFrom(slot)
    return step + (found >= 0 ? found - slot : this.dueSlots.nextFrom(0) + this.calendarLength - slot)
  }

  private bringUpToDate(sequence: Sequence): void {
    sequence.generatedTokens += this.step - sequence.exactStep
    sequence.computedTokens = sequence.knownTokens - 1
    if (!sequence.isLate) sequence.lastTokenMs = this.lastTokenMs
    sequence.exactStep = this.step
  }
}
