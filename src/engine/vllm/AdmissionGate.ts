/**
 * Whether the head of the waiting queue may be admitted.
 *
 * All tokens known of it must fit now, although only its first chunk is allocated now. Blocks that running requests hold
 * already count as there; cached ones that nobody holds do not. A blocked head is asked again at every pass, so the walk along
 * its prompt is remembered until a shareable block becomes active or stops being so.
 */
import type { CapacityPolicy } from "./CapacityPolicy.ts"
import type { KvBlockPool } from "./KvBlockPool.ts"
import type { Sequence } from "./Sequence.ts"

export class AdmissionGate {
  private readonly policy: CapacityPolicy
  private readonly pool: KvBlockPool
  private readonly blockTokens: number
  private seen: Sequence | undefined = undefined
  private seenVersion = -1
  private activeBlocks = 0

  constructor(policy: CapacityPolicy, pool: KvBlockPool, blockTokens: number) {
    this.policy = policy
    this.pool = pool
    this.blockTokens = blockTokens
  }

  admits(head: Sequence, running: ReadonlyArray<Sequence>): boolean {
    if (this.seen !== head || this.seenVersion !== this.pool.activeVersion) {
      const promptBlocks = Math.floor(head.promptTokens / this.blockTokens)
      this.activeBlocks = Math.min(promptBlocks, this.pool.activePrefix(head.keys, head.fullBlocks))
      this.seen = head
      this.seenVersion = this.pool.activeVersion
    }
    return this.policy.neededBlocks(head, this.activeBlocks) <= this.policy.availableBlocks(this.pool, running)
  }
}
