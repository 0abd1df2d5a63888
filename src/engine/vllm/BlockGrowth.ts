/**
 * How the block list of a request grows while it generates: with `B` tokens per block, the token behind a multiple of `B` opens a block, and
 * the one before it, now full, gets an identity.
 *
 *     tokens   | prompt … p p | g g g g … g | g             B-th token of a block: nothing yet
 *     blocks   |   full       |   filled    | new           the next one: the filled block becomes full, and a new one is taken
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { noBlock } from "../tiers/LeafOrder.ts"
import type { DynamoRules } from "./DynamoRules.ts"
import { type KvBlockPool, partialSlot } from "./KvBlockPool.ts"
import type { Offloading } from "./Offloading.ts"
import type { Sequence } from "./Sequence.ts"

export class BlockGrowth {
  private readonly blockTokens: number
  private readonly rules: DynamoRules
  private readonly pool: KvBlockPool
  private readonly offloading: Offloading | undefined

  constructor(args: EngineArgs, rules: DynamoRules, pool: KvBlockPool, offloading: Offloading | undefined) {
    this.blockTokens = args.blockTokens
    this.rules = rules
    this.pool = pool
    this.offloading = offloading
  }

  /** Whether the token just generated needs a block more. */
  needsBlock(sequence: Sequence): boolean {
    return this.opensBlock(sequence) && !this.isUnheldFinal(sequence)
  }

  /** Blocks that `tokens` more would need at most. */
  blocksFor({ knownTokens }: Sequence, tokens: number): number {
    return Math.ceil((knownTokens + tokens) / this.blockTokens) - Math.ceil(knownTokens / this.blockTokens)
  }

  /** Tokens until the second one, the next one that opens a block, or the last one, whichever comes first. */
  tokensToNextEvent({ generatedTokens, knownTokens, maxOutputTokens }: Sequence): number {
    if (generatedTokens === 1) return 1
    const untilBoundary = this.blockTokens - ((knownTokens - 1) % this.blockTokens)
    const untilLast = maxOutputTokens - generatedTokens
    return untilBoundary < untilLast ? untilBoundary : untilLast
  }

  /** The block that the previous token filled becomes full, unless it already is (a prompt that ends on a block boundary). */
  promoteFilled(sequence: Sequence): void {
    const position = sequence.fullBlocks
    if (sequence.knownTokens - 1 <= position * this.blockTokens) return
    const { keys, slots } = sequence
    const parentSlot = position > 0 ? slots[position - 1]! : partialSlot
    const parentKey = position > 0 ? this.pool.keyOf(parentSlot) : noBlock
    const key = position < keys.length ? keys[position]! : this.pool.privateKey(parentKey)
    slots[position] = this.pool.promote(parentSlot, key, parentKey)
    sequence.fullBlocks = position + 1
    this.offloading?.computed(sequence)
  }

  /** The request holds one more block, the one in this slot. */
  hold(sequence: Sequence, slot: number): void {
    sequence.slots[sequence.heldBlocks] = slot
    sequence.heldBlocks += 1
  }

  private opensBlock({ knownTokens }: Sequence): boolean {
    return (knownTokens - 1) % this.blockTokens === 0
  }

  private isUnheldFinal({ generatedTokens, maxOutputTokens }: Sequence): boolean {
    return generatedTokens === maxOutputTokens && !this.rules.finalTokenTakesBlock
  }
}
