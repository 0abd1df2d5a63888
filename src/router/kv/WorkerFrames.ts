/**
 * One set of block identities per worker, laid out for the router's two questions: "add or remove these blocks on that
 * worker" and "how many leading blocks of this prompt does each worker have".
 *
 *     heads[frame] ──▶ [ worker 3 ●●●…●● ] ──▶ [ worker 0 ●●○…○○ ] ──▶ 0      frame: identity >> 5, see WideFrame.ts
 *
 * Every frame has a chain of entries, one per worker that has some of its blocks. Memory and the cost of a walk along a prompt follow
 * what is there, 32 blocks at a time: a worker that has nothing of it is not even looked at. 16 bytes per entry and 4 per frame.
 * Identities are recycled small integers, so heads need no hashing.
 */
import { markWideMembers, type MarkBlocks } from "../../request/BlockIdentity.ts"
import { regrown } from "../../structures/SpareColumns.ts"
import { wideFrameOf, wideLeading, wideMemberOf, wideRunLength } from "../../structures/WideFrame.ts"

const initialEntries = 64

export class WorkerFrames {
  /** The blocks of each entry, one at least. */
  private masks = new Int32Array(initialEntries)
  private heads = new Int32Array(initialEntries)
  private workers = new Int32Array(initialEntries)
  /** The next entry of the frame, or the next free one. */
  private next = new Int32Array(initialEntries)
  private firstFree = 0
  private reached = 1

  /** The members of a frame that a worker has. */
  membersOf(frame: number, worker: number): number {
    const { heads, masks, next, workers } = this
    let entry = frame < heads.length ? heads[frame]! : 0
    while (entry !== 0 && workers[entry] !== worker) entry = next[entry]!
    return masks[entry]!
  }

  /** A worker has these members of a frame, whichever else it has. */
  add(frame: number, worker: number, members: number): void {
    const { heads, masks, next, workers } = this
    const first = frame < heads.length ? heads[frame]! : 0
    for (let entry = first; entry !== 0; entry = next[entry]!) {
      if (workers[entry] !== worker) continue
      masks[entry]! |= members
      return
    }
    if (frame >= heads.length) this.heads = regrown(heads, Math.max(frame + 1, heads.length * 2))
    const entry = this.freeEntry()
    this.workers[entry] = worker
    this.masks[entry] = members
    this.next[entry] = first
    this.heads[frame] = entry
  }

  /** A worker has none of these members of a frame. */
  remove(frame: number, worker: number, members: number): void {
    const { heads, masks, next, workers } = this
    let before = 0
    let entry = frame < heads.length ? heads[frame]! : 0
    for (; entry !== 0 && workers[entry] !== worker; entry = next[entry]!) before = entry
    const left = masks[entry]! & ~members
    masks[entry] = left
    if (left !== 0 || entry === 0) return
    if (before === 0) heads[frame] = next[entry]!
    else next[before] = next[entry]!
    next[entry] = this.firstFree
    this.firstFree = entry
  }

  /** The worker has nothing any more. */
  dropWorker(worker: number): void {
    for (let frame = 0; frame < this.heads.length; frame++) this.remove(frame, worker, -1)
  }

  /** Writes into `out[w]`, for every worker `w`, how many of the first `length` blocks it has without a gap from the start. */
  leading(blocks: Int32Array, length: number, out: Int32Array): void {
    const { heads, masks, next, workers } = this
    out.fill(0)
    for (let position = 0; position < length;) {
      const first = blocks[position]!
      const frame = wideFrameOf(first)
      const run = wideRunLength(blocks, position, length)
      let goesOn = false
      for (let entry = frame < heads.length ? heads[frame]! : 0; entry !== 0; entry = next[entry]!) {
        const worker = workers[entry]!
        if (out[worker] !== position) continue
        const found = wideLeading(masks[entry]!, wideMemberOf(first))
        if (found < run) out[worker] = position + found
        else {
          out[worker] = position + run
          goesOn = true
        }
      }
      if (!goesOn) return
      position += run
    }
  }

  markBlocks(mark: MarkBlocks): void {
    const { heads } = this
    for (let frame = 0; frame < heads.length; frame++) if (heads[frame] !== 0) this.markFrame(frame, mark)
  }

  private markFrame(frame: number, mark: MarkBlocks): void {
    const { heads, masks, next } = this
    let held = 0
    for (let entry = heads[frame]!; entry !== 0; entry = next[entry]!) held |= masks[entry]!
    markWideMembers(frame, held, mark)
  }

  private freeEntry(): number {
    const free = this.firstFree
    if (free !== 0) {
      this.firstFree = this.next[free]!
      return free
    }
    if (this.reached === this.masks.length) this.grow()
    return this.reached++
  }

  private grow(): void {
    this.masks = regrown(this.masks)
    this.workers = regrown(this.workers)
    this.next = regrown(this.next)
  }
}
