/**
 * How much of each prompt starts like an earlier one: a tree of the hash ids seen so far, of limited size.
 *
 * When it is full, prompts are still compared with it, but not added: from then on the answers are lower bounds.
 */
import { highHalf, lowHalf, type HashIds } from "../request/HashId.ts"
import { LabelTree } from "../structures/LabelTree.ts"

const root = 0

export class SeenPrefixes {
  private readonly tree: LabelTree
  isFull = false

  /** Holds up to `maxPrefixes` distinct prefixes, at up to 48 bytes each. */
  constructor(maxPrefixes: number) {
    this.tree = new LabelTree(maxPrefixes)
  }

  /** Distinct prefixes, counted in blocks. */
  get size(): number {
    return this.tree.size
  }

  /** Adds a prompt of `blocks` hash ids; returns how many of its first ids an earlier prompt began with. */
  add(hashIds: HashIds, blocks: number): number {
    let node = root
    for (let known = 0; known < blocks; known++) {
      const id = hashIds[known]!
      const child = this.tree.child(node, lowHalf(id), highHalf(id))
      if (child === 0) {
        this.insert(node, hashIds, known, blocks)
        return known
      }
      node = child
    }
    return blocks
  }

  private insert(parent: number, hashIds: HashIds, start: number, end: number): void {
    let node = parent
    for (let block = start; block < end; block++) {
      const id = hashIds[block]!
      node = this.tree.add(node, lowHalf(id), highHalf(id))
      if (node === root) {
        this.isFull = true
        return
      }
    }
  }
}
