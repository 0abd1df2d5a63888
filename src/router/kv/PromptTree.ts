/**
 * Which prompts the requests of each worker hold, as a tree of pieces of block lists:
 *
 *     A on worker 0   1 2 3 4 5 6          ┌─────────────┐   ┌─────────┐   ┌─────────┐
 *     B on worker 1   1 2 3 8 9            │ 1 2 3       ├──▶│ 4       ├──▶│ 5 6     │
 *     C on worker 1   1 2 3 4              │ w0:1 w1:2   │   │ w0 w1:1 │   │ w0:1    │
 *                                          └──────┬──────┘   └─────────┘   └─────────┘
 *     a piece ends where a prompt ends            │          ┌─────────┐
 *     or leaves another one; its holders          └─────────▶│ 8 9     │
 *     are a chain of (worker, requests)                      │ w1:1    │
 *                                                            └─────────┘
 *
 * An identity stands for its whole prefix. So a piece is found by its first one, and lists that agree in one place agree in all places before
 * it: where a prompt leaves a piece is found by halving. A prompt costs a few steps for every piece of it, however long it is. Pieces are
 * parts of the lists that came first, which are kept as long as that.
 */
import type { BlockHolder, MarkBlocks } from "../../request/BlockIdentity.ts"
import { grown } from "../../structures/Grown.ts"
import { IntMap } from "../../structures/IntMap.ts"

const initialCapacity = 64

export class PromptTree implements BlockHolder {
  /** The piece that starts with a block, from 1 on. */
  private readonly starts = new IntMap()
  /** By piece: it is `lists[from … end)`. */
  private readonly lists: Array<Int32Array | undefined> = [undefined]
  private froms = new Int32Array(initialCapacity)
  private ends = new Int32Array(initialCapacity)
  /** The first holder of each piece, 0 of one that is not in use. */
  private heads = new Int32Array(initialCapacity)
  private readonly freePieces: Array<number> = []
  /** By holder, from 1 on: its worker, how many of its requests have the piece, and the next holder, or the next one that is not in use. */
  private workers = new Int32Array(initialCapacity)
  private counts = new Int32Array(initialCapacity)
  private next = new Int32Array(initialCapacity)
  private reachedHolders = 1
  private firstFreeHolder = 0

  /** A request on the worker holds the first `length` blocks of a prompt; returns how many of them none there did. */
  add(worker: number, blocks: Int32Array, length: number): number {
    let fresh = 0
    for (let position = 0; position < length;) {
      const piece = this.pieceAt(blocks, position, length)
      const pieceBlocks = this.ends[piece]! - this.froms[piece]!
      const holder = this.holderOf(piece, worker)
      if (holder !== 0) this.counts[holder]! += 1
      else {
        this.addHolder(piece, worker, 1)
        fresh += pieceBlocks
      }
      position += pieceBlocks
    }
    return fresh
  }

  /** Undoes one {@link PromptTree.add} of the same arguments; returns how many of the blocks no request on the worker holds any more. */
  remove(worker: number, blocks: Int32Array, length: number): number {
    let gone = 0
    for (let position = 0; position < length;) {
      const piece = this.starts.get(blocks[position]!)
      const pieceBlocks = this.ends[piece]! - this.froms[piece]!
      const holder = this.holderOf(piece, worker)
      this.counts[holder]! -= 1
      if (this.counts[holder] === 0) {
        this.dropHolder(piece, holder)
        gone += pieceBlocks
      }
      position += pieceBlocks
    }
    return gone
  }

  /** Forgets all that requests of a worker hold. */
  removeWorker(worker: number): void {
    for (let piece = 1; piece < this.lists.length; piece++) {
      const holder = this.holderOf(piece, worker)
      if (holder !== 0) this.dropHolder(piece, holder)
    }
  }

  /** Writes into `out[w]`, for every worker `w`, how many of the first `length` blocks its requests hold without a gap from the start. */
  leading(blocks: Int32Array, length: number, out: Int32Array): void {
    out.fill(0)
    for (let position = 0; position < length;) {
      const piece = this.starts.get(blocks[position]!)
      if (piece === 0) return
      const common = this.commonBlocks(piece, blocks, position, length)
      for (let holder = this.heads[piece]!; holder !== 0; holder = this.next[holder]!) {
        const worker = this.workers[holder]!
        if (out[worker] === position) out[worker] = position + common
      }
      if (common < this.ends[piece]! - this.froms[piece]!) return
      position += common
    }
  }

  markBlocks(mark: MarkBlocks): void {
    for (let piece = 1; piece < this.lists.length; piece++) {
      if (this.heads[piece] !== 0) mark(this.lists[piece]![this.ends[piece]! - 1]!)
    }
  }

  /** The piece at this place of a prompt, all of which is part of the prompt: made, or cut off a longer one, if need be. */
  private pieceAt(blocks: Int32Array, position: number, length: number): number {
    const piece = this.starts.get(blocks[position]!)
    if (piece === 0) return this.addPiece(blocks, position, length)
    const common = this.commonBlocks(piece, blocks, position, length)
    if (common < this.ends[piece]! - this.froms[piece]!) this.split(piece, common)
    return piece
  }

  /** How many blocks a piece has in common with a prompt, at least the first one. */
  private commonBlocks(piece: number, blocks: Int32Array, position: number, length: number): number {
    const list = this.lists[piece]!
    const from = this.froms[piece]!
    const most = Math.min(this.ends[piece]! - from, length - position)
    if (list[from + most - 1] === blocks[position + most - 1]) return most
    let least = 1
    let below = most - 1
    while (least < below) {
      const middle = (least + below) >> 1
      if (list[from + middle] === blocks[position + middle]) least = middle + 1
      else below = middle
    }
    return least
  }

  /** Cuts a piece behind so many blocks; whoever holds it holds both. */
  private split(piece: number, blocks: number): void {
    const list = this.lists[piece]!
    const cut = this.froms[piece]! + blocks
    const rest = this.addPiece(list, cut, this.ends[piece]!)
    this.ends[piece] = cut
    for (let holder = this.heads[piece]!; holder !== 0; holder = this.next[holder]!)
      this.addHolder(rest, this.workers[holder]!, this.counts[holder]!)
  }

  private addPiece(list: Int32Array, from: number, end: number): number {
    const piece = this.freePieces.pop() ?? this.lists.length
    if (piece >= this.heads.length) {
      this.froms = grown(this.froms)
      this.ends = grown(this.ends)
      this.heads = grown(this.heads)
    }
    this.lists[piece] = list
    this.froms[piece] = from
    this.ends[piece] = end
    this.heads[piece] = 0
    this.starts.set(list[from]!, piece)
    return piece
  }

  private holderOf(piece: number, worker: number): number {
    let holder = this.heads[piece]!
    while (holder !== 0 && this.workers[holder] !== worker) holder = this.next[holder]!
    return holder
  }

  private addHolder(piece: number, worker: number, count: number): void {
    const holder = this.freeHolder()
    this.workers[holder] = worker
    this.counts[holder] = count
    this.next[holder] = this.heads[piece]!
    this.heads[piece] = holder
  }

  private freeHolder(): number {
    const free = this.firstFreeHolder
    if (free !== 0) {
      this.firstFreeHolder = this.next[free]!
      return free
    }
    if (this.reachedHolders === this.workers.length) {
      this.workers = grown(this.workers)
      this.counts = grown(this.counts)
      this.next = grown(this.next)
    }
    return this.reachedHolders++
  }

  /** Takes a holder out; a piece that nobody holds is no more. */
  private dropHolder(piece: number, holder: number): void {
    const { heads, next } = this
    if (heads[piece] === holder) heads[piece] = next[holder]!
    else {
      let before = heads[piece]!
      while (next[before] !== holder) before = next[before]!
      next[before] = next[holder]!
    }
    next[holder] = this.firstFreeHolder
    this.firstFreeHolder = holder
    if (heads[piece] !== 0) return
    this.starts.delete(this.lists[piece]![this.froms[piece]!]!)
    this.lists[piece] = undefined
    this.freePieces.push(piece)
  }
}
