/**
 * A request inside one vLLM-style worker: its progress and the KV blocks it holds.
 *
 * With `B` tokens per block and `L` known tokens (prompt plus generated), its block list always has `ceil(L / B)` entries:
 * the first `fullBlocks` are full, a last one may still be filling. A block that generation has just filled becomes
 * full only when the next token needs a new block.
 */
import { markPrefix } from "../../request/BlockIdentity.ts"
import type { Offload, TierMatch } from "../tiers/KvTiers.ts"
import { emptyBlocks, type SimRequest } from "../../request/SimRequest.ts"
import type { CopyHolder, CopyUser } from "../tiers/TierUser.ts"

const noLoads: ReadonlyArray<TierMatch> = []

export class Sequence implements CopyUser {
  readonly request: SimRequest
  readonly promptTokens: number
  /** Tokens after which this worker is done with the request. */
  readonly maxOutputTokens: number
  generatedTokens = 0
  /** Tokens up to which computing is charged as prefill: the prompt, unless generated ones are charged as well. */
  chargedTokens: number
  /** Tokens whose KV entries are computed. */
  computedTokens = 0
  /**
   * Identities of full blocks, as far as known in advance: those of the prompt, those of planned outputs and, after a
   * preemption, those of the blocks it had generated itself.
   */
  keys: Int32Array
  fullBlocks: number
  /** Slots of the held blocks, list position by position; allocated at the first admission. */
  slots: Int32Array = emptyBlocks
  heldBlocks = 0
  running = false
  lastTokenMs = Number.NaN
  /** Tokens until something other than "one more token" happens; see the worker's emission. Not above 0: it happens with the next. */
  countdown = 1
  /** Its place among those that run: whoever was admitted later has a higher one. */
  turn = 0
  /** While it decodes steadily ({@link SteadyDecode}): the step of which its counters are, the one in which it is due, and who is due next. */
  exactStep = 0
  dueStep = 0
  nextDue: Sequence | undefined = undefined
  /** While it decodes steadily: its last step brought no token, for want of room. */
  isLate = false
  /** Where there are KV tiers: the offload that makes room for it. */
  waitsFor: Offload | undefined = undefined
  /** Since when it waits for that, ms. */
  blockedSinceMs = Number.NaN
  /** What was loaded for it so far. */
  loads: ReadonlyArray<TierMatch> = noLoads
  /** What it waits for at its place in the queue, others passing it: blocks on their way, and since when. */
  deferredBy: Offload | undefined = undefined
  deferredSinceMs = Number.NaN
  /** Leading blocks that were handed over to be copied, as far as tiers lacked them, and the copies of them that run. */
  copiedBlocks = 0
  copyHolder: CopyHolder | undefined = undefined
  /** When blocks that were to be loaded for it did not arrive, for want of room, ms; with tiers. */
  loadFailedMs = Number.NaN
  /** It was in the batch before. */
  wasAdmitted = false
  /** Successor in the waiting queue. */
  behind: Sequence | undefined = undefined

  /** What the pass `scheduledPass` gave it, to be undone if it is preempted in that same pass. */
  scheduledPass = -1
  scheduledTokens = 0
  scheduledPromptTokens = 0
  scheduledPrefixTokens = 0

  constructor(request: SimRequest, maxOutputTokens: number, keys: Int32Array, fullBlocks: number) {
    this.request = request
    this.promptTokens = request.promptTokens
    this.chargedTokens = request.promptTokens
    this.maxOutputTokens = maxOutputTokens
    this.keys = keys
    this.fullBlocks = fullBlocks
  }

  /** Every shareable identity it may still look up. */
  markKeys(mark: (block: number) => void): void {
    markPrefix(this.keys, mark)
  }

  /** Its room is not there yet. */
  get isBlocked(): boolean {
    return this.waitsFor !== undefined && this.waitsFor.live
  }

  /** Prompt plus generated tokens. */
  get knownTokens(): number {
    return this.promptTokens + this.generatedTokens
  }
}
