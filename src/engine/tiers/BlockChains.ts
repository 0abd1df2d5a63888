/**
 * Blocks in the order in which they are evicted, by chains of consecutive identities within a frame of 32 (`structures/WideFrame.ts`), each
 * block behind the one before it: the first identity of a chain, its length, and the parent of its first block, one chain after another.
 * The last block of a chain is evicted first.
 *
 *     cells     | 16 4 15 - | 8 8 7 - | …        blocks 19 18 17 16 15 … 8, of which 16 extends 15, and 8 extends 7
 */
import { grown } from "../../structures/Grown.ts"
import { wideMemberOf } from "../../structures/WideFrame.ts"

/** Cells per chain, of which the last one is unused: a chain's place is a shift. */
const chainBits = 2
const chainCells = 1 << chainBits
const initialChains = 2

export class BlockChains {
  /** Of all chains together. */
  blocks = 0
  /** Chains, in order. */
  count = 0
  private cells = new Int32Array(initialChains * chainCells)

  clear(): void {
    this.blocks = 0
    this.count = 0
  }

  /** What the last chain extends becomes part of it, where it is of the same frame. */
  add(key: number, count: number, parentKey: number): void {
    let { cells } = this
    const end = this.count << chainBits
    const next = key + count
    const last = end - chainCells
    this.blocks += count
    if (last >= 0 && cells[last] === next && cells[last | 2] === next - 1 && wideMemberOf(next) !== 0) {
      cells[last] = key
      cells[last | 1]! += count
      cells[last | 2] = parentKey
      return
    }
    if (end === cells.length) cells = this.cells = grown(cells)
    cells[end] = key
    cells[end | 1] = count
    cells[end | 2] = parentKey
    this.count += 1
  }

  /** Each of the two has then what the other one had. */
  exchange(other: BlockChains): void {
    const { blocks, cells, count } = this
    this.blocks = other.blocks
    this.cells = other.cells
    this.count = other.count
    other.blocks = blocks
    other.cells = cells
    other.count = count
  }

  /** Only the first `count` of the blocks are left. */
  keepFirst(count: number): void {
    const { cells } = this
    this.blocks = count
    let chains = 0
    for (let left = count; left > 0; chains++) {
      const at = chains << chainBits
      const behind = cells[at | 1]! - left
      left -= cells[at | 1]!
      if (behind <= 0) continue
      cells[at]! += behind
      cells[at | 1]! -= behind
      cells[at | 2] = cells[at]! - 1
    }
    this.count = chains
  }

  keyOf(chain: number): number {
    return this.cells[chain << chainBits]!
  }

  lengthOf(chain: number): number {
    return this.cells[(chain << chainBits) | 1]!
  }

  parentOf(chain: number): number {
    return this.cells[(chain << chainBits) | 2]!
  }

  /** Tells of every block, in order. */
  forEachBlock(visit: (key: number, parentKey: number) => void): void {
    for (let chain = 0; chain < this.count; chain++) {
      const first = this.keyOf(chain)
      for (let key = first + this.lengthOf(chain) - 1; key > first; key--) visit(key, key - 1)
      visit(first, this.parentOf(chain))
    }
  }
}
