/**
 * How much of each prompt starts like an earlier one, and how long ago that one came: {@link SeenPrefixes} that remember when.
 * When it is full, prompts are still compared with it, but not added.
 */
import { highHalf, lowHalf, type HashIds } from "../request/HashId.ts"
import { grown } from "../structures/Grown.ts"
import { LabelTree } from "../structures/LabelTree.ts"

const root = 0

export interface KnownPrefix {
  /** Leading hash ids that an earlier prompt has, too. */
  readonly blocks: number
  /** Prompts since the last one that has them all, from 1; 0 where there are none. */
  readonly promptsBack: number
}

export class PrefixHistory {
  private readonly tree: LabelTree
  /** Number of the last prompt with each prefix. */
  private lastPrompt = new Uint32Array(1 << 12)
  private prompts = 0

  /** Holds up to `maxPrefixes` distinct prefixes, at up to 52 bytes each. */
  constructor(maxPrefixes: number) {
    this.tree = new LabelTree(maxPrefixes)
  }

  /** Adds a prompt of `blocks` hash ids. */
  add(hashIds: HashIds, blocks: number): KnownPrefix {
    const prompt = ++this.prompts
    let node = root
    let known = 0
    let last = prompt
    let isKnown = true
    for (let block = 0; block < blocks; block++) {
      const id = hashIds[block]!
      let child = this.tree.child(node, lowHalf(id), highHalf(id))
      if (child === 0) {
        isKnown = false
        child = this.tree.add(node, lowHalf(id), highHalf(id))
        if (child === 0) break
        if (child >= this.lastPrompt.length) this.lastPrompt = grown(this.lastPrompt)
      } else if (isKnown) {
        known += 1
        last = this.lastPrompt[child]!
      }
      this.lastPrompt[child] = prompt
      node = child
    }
    return { blocks: known, promptsBack: prompt - last }
  }
}
