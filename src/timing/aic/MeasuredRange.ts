/**
 * Notes which look-ups of a call left what was measured, along which quantity and how far. One per model, shared by all
 * its look-ups; nothing is allocated while a model answers.
 */

/** What look-ups are made over, as reports name it. */
export const quantities = ["tokens per pass", "sequence tokens", "requests", "message elements"] as const
export type Quantity = (typeof quantities)[number]

/** Index of a quantity in {@link quantities}. */
export const Axis = { tokens: 0, sequence: 1, requests: 2, elements: 3 } as const
export type Axis = (typeof Axis)[keyof typeof Axis]

/** One quantity in one direction: above what was measured, or below. */
export const slots = 2 * quantities.length

export const quantityOf = (slot: number): Quantity => quantities[slot >> 1]!
export const isAbove = (slot: number): boolean => slot % 2 === 1

/** How far a value lies beyond a limit, as a factor of at least 1. */
export const distanceBeyond = (value: number, limit: number): number =>
  value > limit ? value / Math.max(limit, 1) : limit / Math.max(value, 1)

export class MeasuredRange {
  /** Whether any look-up since the last reset left what was measured. */
  left = false
  /** By slot: the farthest value asked for since the last reset, 0 where none was beyond, and the limit it passed. */
  readonly values = new Float64Array(slots)
  readonly limits = new Float64Array(slots)

  reset(): void {
    if (!this.left) return
    this.left = false
    for (let slot = 0; slot < slots; slot++) this.values[slot] = 0
  }

  /** A look-up at `value`, beyond `limit`. */
  leave(axis: Axis, value: number, limit: number): void {
    this.note(2 * axis + (value > limit ? 1 : 0), value, limit)
  }

  private note(slot: number, value: number, limit: number): void {
    this.left = true
    const known = this.values[slot]!
    if (known === 0 || distanceBeyond(value, limit) > distanceBeyond(known, this.limits[slot]!)) {
      this.values[slot] = value
      this.limits[slot] = limit
    }
  }

  /** Adds what another range noted. */
  addFrom(other: MeasuredRange): void {
    if (!other.left) return
    for (let slot = 0; slot < slots; slot++) {
      if (other.values[slot]! > 0) this.note(slot, other.values[slot]!, other.limits[slot]!)
    }
  }
}
