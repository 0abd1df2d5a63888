/**
 * A request inside one worker: how far the scheduler has decided, how far tokens were delivered, and the KV blocks it holds.
 *
 * Decisions run ahead of deliveries: `computedTokens` counts what is scheduled, `knownTokens` what has come back. In steady decode
 * both move by one per pass and nothing else happens, so two thresholds tell when a pass needs a closer look.
 */
import { markPrefix } from "../../request/BlockIdentity.ts"
import { emptyBlocks, type SimRequest } from "../../request/SimRequest.ts"
import type { Offload, TierMatch } from "../tiers/KvTiers.ts"
import type { CopyHolder, CopyUser } from "../tiers/TierUser.ts"
import type { Queueable } from "../WaitingQueue.ts"

const noLoads: ReadonlyArray<TierMatch> = []

export class Sequence implements Queueable<Sequence>, CopyUser {
  readonly request: SimRequest
  readonly promptTokens: number
  /** Prompt plus output tokens after which the request ends, `max_model_len` included. */
  readonly lastKnownTokens: number
  /** Prompt plus delivered tokens. */
  knownTokens: number
  /** Tokens scheduled so far, in flight ones included. */
  computedTokens = 0
  /** Output tokens in flight that the next decision counts on (asynchronous scheduling). */
  placeholders = 0
  /** Scheduled tokens whose batch is not delivered yet. */
  inFlightTokens = 0
  /** In-flight tokens of before a preemption: their output is still delivered, but counts for nothing else. */
  staleTokens = 0
  /** Its last share did not reach the end of its known tokens: a prefill under way. */
  unfinishedPrefill = false
  /** Tokens up to which computing is charged as prefill: the prompt, or after a preemption whatever was known then. */
  chargedTokens: number
  /**
   * Identities of leading full blocks: those of the prompt, those of planned outputs and, after a preemption, those of the blocks it
   * had generated itself.
   */
  keys: Int32Array
  /** Slots of the held blocks, list position by position; allocated when it is first looked up. */
  slots: Int32Array = emptyBlocks
  heldBlocks = 0
  /** Leading held blocks that carry an identity. */
  registeredBlocks = 0
  running = false
  finished = false
  lastTokenMs = Number.NaN
  /** While fewer tokens than this are computed, its next share is one token and needs no block, no identity and no check. */
  quietUntilComputed = 0
  /** While fewer tokens than this are known, the token just delivered is neither first, second, last nor the end of a block. */
  quietUntilKnown = 0
  /** Where there are KV tiers. */
  waitsFor: Offload | undefined = undefined
  blockedSinceMs = Number.NaN
  loads = noLoads
  deferredBy: Offload | undefined = undefined
  deferredSinceMs = Number.NaN
  copiedBlocks = 0
  copyHolder: CopyHolder | undefined = undefined
  /** It was in the batch before. */
  wasAdmitted = false
  /** The last scheduling call in which its share was part of a prefill. */
  prefillCall = 0
  /** Successor in the waiting queue. */
  behind: Sequence | undefined = undefined

  constructor(request: SimRequest, lastKnownTokens: number, keys: Int32Array) {
    this.request = request
    this.promptTokens = request.promptTokens
    this.knownTokens = request.promptTokens
    this.chargedTokens = request.promptTokens
    this.lastKnownTokens = lastKnownTokens
    this.keys = keys
  }

  get generatedTokens(): number {
    return this.knownTokens - this.promptTokens
  }

  /** Every shareable identity it may still look up. */
  markKeys(mark: (block: number) => void): void {
    markPrefix(this.keys, mark)
  }
}
