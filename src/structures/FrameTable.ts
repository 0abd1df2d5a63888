/**
 * Finds the frame that stands for a number, where frames come and go.
 *
 *     heads    | f3 |  0 | f1 | … |            by the number, folded; 0: none
 *                 └──▶ next[f3] ──▶ f7 ──▶ 0   frames whose numbers share a head
 *     numbers  numbers[f]                      frames count up from 1; freed ones are linked through `next` and used again
 *
 * Twice as many heads as frames, so a look-up reads little more than one number, and removal has no cluster to mend. The owner keeps
 * what belongs to a frame in columns of its own, which are at least {@link FrameTable.capacity} long. 16 bytes per frame; starts
 * with a few frames and doubles.
 */
import { regrown, zeros } from "./SpareColumns.ts"

const initialCapacity = 16

/**
 * The head of a number, for a mask of all of them. Most numbers come in rows and are their own best hash; what is folded in spreads those that
 * are multiples of a power of two.
 */
const headOf = (number: number, mask: number): number =>
  (number ^ (number >>> 6) ^ (number >>> 12) ^ (number >>> 18)) & mask

export class FrameTable {
  /** Above every frame. */
  capacity = initialCapacity
  /** Frames in use. */
  size = 0
  /** The number that each frame stands for. */
  numbers: Int32Array = new Int32Array(initialCapacity)
  private next = new Int32Array(initialCapacity)
  private heads = new Int32Array(initialCapacity * 2)
  private firstFree = 0
  /** Frames that were ever used, and 0. */
  private reached = 1

  /** The frame of a number, 0 when it has none. */
  find(number: number): number {
    const { heads, next, numbers } = this
    let frame = heads[headOf(number, heads.length - 1)]!
    while (frame !== 0 && numbers[frame] !== number) frame = next[frame]!
    return frame
  }

  /** A frame for a number that has none. */
  add(number: number): number {
    let frame = this.firstFree
    if (frame !== 0) this.firstFree = this.next[frame]!
    else {
      if (this.reached === this.capacity) this.grow()
      frame = this.reached++
    }
    this.numbers[frame] = number
    this.chain(frame)
    this.size += 1
    return frame
  }

  /** The number has no frame any more. */
  remove(frame: number): void {
    const { heads, next } = this
    const head = headOf(this.numbers[frame]!, heads.length - 1)
    if (heads[head] === frame) heads[head] = next[frame]!
    else {
      let before = heads[head]!
      while (next[before] !== frame) before = next[before]!
      next[before] = next[frame]!
    }
    next[frame] = this.firstFree
    this.firstFree = frame
    this.size -= 1
  }

  private chain(frame: number): void {
    const { heads, next } = this
    const head = headOf(this.numbers[frame]!, heads.length - 1)
    next[frame] = heads[head]!
    heads[head] = frame
  }

  /** Called when every frame is in use. */
  private grow(): void {
    this.capacity *= 2
    this.numbers = regrown(this.numbers)
    this.next = regrown(this.next)
    this.heads = zeros(this.capacity * 2)
    for (let frame = 1; frame < this.reached; frame++) this.chain(frame)
  }
}
