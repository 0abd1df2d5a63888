/**
 * Block identities of all prompts of a workload that is run again and again: made once, and the same in every run.
 *
 *     ends     end of row 0 │ end of row 1 │ …
 *     blocks   b b b b b    │ b b b        │ …    4 bytes each; a request looks at its part
 *
 * Nothing is recycled, and nothing is left to look up: what made the identities is gone.
 */
import type { HashIds } from "./HashId.ts"
import { HashIdTrie } from "./HashIdTrie.ts"

/** Of a whole workload. */
export interface PromptCounts {
  readonly rows: number
  readonly promptTokens: number
}

export class InternedPrompts {
  readonly blockTokens: number
  private readonly blocks: Int32Array
  private readonly ends: Uint32Array

  /** Takes the prompts row by row; `traceBlockTokens`: tokens per hash id. */
  static builder({ promptTokens, rows }: PromptCounts, traceBlockTokens: number, blockTokens: number) {
    const trie = new HashIdTrie(traceBlockTokens, blockTokens)
    const blocks = new Int32Array(Math.floor(promptTokens / blockTokens))
    const ends = new Uint32Array(rows)
    let row = 0
    let end = 0
    return {
      add: (hashIds: HashIds, tokens: number): void => {
        const added = trie.blocksOfHashIds(hashIds, tokens)
        blocks.set(added, end)
        end += added.length
        ends[row++] = end
      },
      finish: (): InternedPrompts => new InternedPrompts(blockTokens, blocks, ends)
    }
  }

  private constructor(blockTokens: number, blocks: Int32Array, ends: Uint32Array) {
    this.blockTokens = blockTokens
    this.blocks = blocks
    this.ends = ends
  }

  /** Identities of the full blocks of the prompt of a row, counted from 0; a view, not to be written to. */
  blocksOf(row: number): Int32Array {
    return this.blocks.subarray(row === 0 ? 0 : this.ends[row - 1], this.ends[row])
  }
}
