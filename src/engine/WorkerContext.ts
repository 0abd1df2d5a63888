import type { KvEventSink, TierEventSinks } from "./KvEvents.ts"
import type { SharedTiers } from "./tiers/SharedTiers.ts"
import type { Slowness } from "./PassScaling.ts"
import type { TokenGaps } from "./TokenGaps.ts"
import type { WorkerProbe } from "./WorkerProbe.ts"

/** What a worker core is born with. */
export interface WorkerContext {
  readonly workerIndex: number
  /** Collects the inter-token gaps of visible tokens. */
  readonly gaps: TokenGaps
  /** Where cache changes go; `undefined` when no router listens. */
  readonly kvEvents: KvEventSink | undefined
  /** Where those go that happen only when the pass ends; `undefined` when no router listens. */
  readonly kvEventsAtPassEnd?: KvEventSink | undefined
  /** Whoever listens asks first (`WorkerCore.tellBegun`): changes in passes ahead of time may wait for that. Default: nobody asks. */
  readonly kvEventsWhenAsked?: boolean | undefined
  /** Where changes of its KV tiers go; `undefined` when no router listens. */
  readonly tierEvents?: TierEventSinks | undefined
  /** What the run's workers share of their KV tiers; its own where there is nobody to share with. */
  readonly sharedTiers?: SharedTiers | undefined
  /**
   * Between its passes nobody sees to its tiers unless a transfer ends that makes a difference (`TierClock.noticeMs`). Default: at any
   * time.
   */
  readonly tiersLeftAlone?: boolean | undefined
  /** Where its machine may become slow. */
  readonly slowness?: Slowness | undefined
  /** Somebody sees how many KV blocks are in use from pass to pass. Default: whoever has a {@link probe}. */
  readonly usageIsSeen?: boolean | undefined
  /** Who looks into this worker's passes; nobody by default. */
  readonly probe?: WorkerProbe | undefined
}
