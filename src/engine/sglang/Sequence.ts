/**
 * A request inside one SGLang-style worker: its progress and the KV it has materialised.
 *
 * Its pages in order are: `lockedPages` that lie in the radix tree down to `node`, which it locks, then its own `frames`, the
 * last of which may be partly filled. Only whole pages are ever in the tree.
 */
import { markPrefix } from "../../request/BlockIdentity.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { PageUse } from "./PageCopies.ts"
import { root } from "./RadixTree.ts"

export class Sequence {
  readonly request: SimRequest
  readonly promptTokens: number
  /** Tokens after which this worker is done with the request. */
  readonly maxOutputTokens: number
  generatedTokens = 0
  /** Tokens that have a KV slot, cached ones included. */
  materialisedTokens = 0
  /** Lowest tree node it locks; the root when it locks none. */
  node = root
  /** Depth at which {@link node} ends. */
  lockedPages = 0
  /**
   * Leading pages that it has put into the tree itself, or found there when it tried to. Equals {@link lockedPages} except
   * between an admission with a cached prefix and the first such attempt, while it is 0.
   */
  cachedPages = 0
  /** Frames of the pages from {@link lockedPages} on. */
  readonly frames: Array<number> = []
  /** Pages it computed although somebody else put them into the tree first, and its own frames of them. */
  readonly duplicatePages: Array<number> = []
  readonly duplicateFrames: Array<number> = []
  /**
   * Page identities: those of the prompt, those of planned outputs and, once complete, private negative ones of pages with
   * generated tokens. They outlive a retraction, so that it finds what is left of its own pages.
   */
  keys: Int32Array
  /** Tokens until something other than "one more token" happens while it decodes. */
  countdown = 1
  /** While it decodes: place of its next token's slot in the frames' slots, less the tokens before it. */
  slotOffset = 0
  lastTokenMs = Number.NaN
  /** Where there are KV tiers. */
  tierUse: PageUse | undefined = undefined
  /** Successor in the waiting queue. */
  behind: Sequence | undefined = undefined

  constructor(request: SimRequest, maxOutputTokens: number) {
    this.request = request
    this.promptTokens = request.promptTokens
    this.maxOutputTokens = maxOutputTokens
    this.keys = request.blocks
  }

  /** Prompt plus generated tokens. */
  get knownTokens(): number {
    return this.promptTokens + this.generatedTokens
  }

  get remainingTokens(): number {
    return this.maxOutputTokens - this.generatedTokens
  }

  /** Every shareable identity it may still look up. */
  markKeys(mark: (block: number) => void): void {
    markPrefix(this.keys, mark)
  }
}
