/**
 * Hash ids of a prompt, one per trace block of *tokens*, from hashes of blocks of *bytes*.
 *
 *     bytes    |  256  |  256  |  256  |  256  | 90 |      a node of the tree per block and all that is before it
 *     tokens   |   64    |   64    |   64    | 31 |        token block k ends where its share of the bytes ends
 *
 * How many tokens a prompt has only the server knows, when it has answered. Prompts share ids only if they take the same bytes for
 * the same token block, so all that begin with the same 256 bytes have one measure of bytes per token: that of the first of them, until
 * one at least twice as long says something clearly different, for short prompts say little. The last token block, which may not be
 * full, ends with the prompt at the latest. Where a prompt has more tokens than its bytes account for, ids before it are the prompt's
 * own; where it has fewer, its last bytes count for nothing.
 */
import { LabelTree } from "../structures/LabelTree.ts"
import { type Halves, promptBlockBytes } from "./PromptHashes.ts"

const root = 0
/** High half of the labels of token blocks that end in one block of bytes, after the first. */
const repeated = 0x5eed

/** How far two measures of one text differ at most, as a rule. */
const tolerance = 0.03

interface Measure {
  readonly bytesPerBlock: number
  /** Length of the prompt that it was taken from. */
  readonly bytes: number
}

export interface PromptSize {
  readonly bytes: number
  readonly tokens: number
}

export class PromptIds {
  private readonly tree: LabelTree
  private readonly traceBlockTokens: number
  /** By the node of a prompt's first block. */
  private readonly measures = new Map<number, Measure>()
  private lastOwn: number
  /** Whether there have been more distinct prefixes than are kept; from then on new ones are not recognised again. */
  isFull = false

  /** Keeps up to `maxPrefixes` distinct prefixes, at up to 48 bytes each. */
  constructor(traceBlockTokens: number, maxPrefixes: number) {
    this.traceBlockTokens = traceBlockTokens
    this.tree = new LabelTree(maxPrefixes)
    this.lastOwn = maxPrefixes
  }

  /** As many ids as `size.tokens` tokens have trace blocks. */
  idsOf(hashes: ReadonlyArray<Halves>, { bytes, tokens }: PromptSize): ReadonlyArray<number> {
    const ids = Array.from({ length: Math.ceil(tokens / this.traceBlockTokens) }, () => 0)
    const [first] = hashes
    if (first === undefined) return ids.map(() => this.own())
    const family = this.step(root, first)
    const bytesPerBlock = this.measure(family, { bytes, bytesPerBlock: (bytes / tokens) * this.traceBlockTokens })
    let node = root
    let taken = 0
    let repeats = 0
    for (let block = 0; block < ids.length; block++) {
      const share = Math.max(1, Math.ceil(((block + 1) * bytesPerBlock) / promptBlockBytes))
      const end = block === ids.length - 1 ? Math.min(share, hashes.length) : share
      repeats = end === taken ? repeats + 1 : 0
      while (taken < end && taken < hashes.length && !this.isFull) node = this.step(node, hashes[taken++]!)
      const known = taken === end && !this.isFull
      ids[block] = known ? (repeats === 0 ? node : this.step(node, { low: repeats, high: repeated })) : this.own()
    }
    return ids
  }

  /** Bytes per trace block of the prompts that begin like this one. */
  private measure(family: number, own: Measure): number {
    const known = this.measures.get(family)
    const differs = known === undefined || Math.abs(own.bytesPerBlock / known.bytesPerBlock - 1) > tolerance
    const replaces = known === undefined || (differs && own.bytes >= 2 * known.bytes)
    // Of a first block that is not kept, every prompt has its own.
    if (replaces && !this.isFull) this.measures.set(family, own)
    return replaces ? own.bytesPerBlock : known.bytesPerBlock
  }

  private step(parent: number, { high, low }: Halves): number {
    const node = this.tree.child(parent, low, high)
    if (node !== 0) return node
    const added = this.tree.add(parent, low, high)
    if (added !== 0) return added
    this.isFull = true
    return this.own()
  }

  /** An id that no other block has. */
  private own(): number {
    this.lastOwn += 1
    return this.lastOwn
  }
}
