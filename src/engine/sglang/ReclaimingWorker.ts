/**
 * How an SGLang-style worker goes on where its pool is full and nobody moves: chunks of requests that wait, slots that retractions lost, and
 * at last the only running request give their KV back, and what was computed is computed anew. The reference never goes on from here.
 */
import { AheadWorker } from "../AheadWorker.ts"
import type { EngineArgs } from "../EngineArgs.ts"
import { EngineStalled } from "../EngineStalled.ts"
import { counted } from "../../settings/Counted.ts"
import { SharedTiers } from "../tiers/SharedTiers.ts"
import { type TierArgs, tierArgsOf } from "../tiers/TierArgs.ts"
import type { TimingModel } from "../../timing/Timing.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { KvCache } from "./KvCache.ts"
import { PageCopies } from "./PageCopies.ts"
import { isDueSequence } from "./PrefillBatch.ts"
import type { Sequence } from "./Sequence.ts"

/** Reclaims in a row without a single token after which the requests are taken to displace each other forever. */
const maxFruitlessReclaims = 10_000

export abstract class ReclaimingWorker extends AheadWorker<Sequence> {
  protected readonly kv: KvCache
  /** Copies of complete pages in KV tiers, where there are any. */
  protected readonly copies: PageCopies | undefined
  protected readonly probe: WorkerProbe | undefined
  /** Running requests stand still until there is room for their next tokens; nobody else is given any. */
  protected standsStill = false
  /** The cache is to be emptied before anybody is admitted, once no copy locks any page. */
  protected clearsCache = false
  private fruitlessReclaims = 0

  constructor(args: EngineArgs, timing: TimingModel, context: WorkerContext) {
    super(args, timing, context)
    this.probe = context.probe
    const tierArgs = tierArgsOf(args)
    const shared = tierArgs === undefined ? undefined : (context.sharedTiers ?? new SharedTiers())
    this.kv = new KvCache(args.numGpuBlocks, args.blockTokens, context.kvEvents, context.probe, shared)
    if (tierArgs !== undefined && shared !== undefined) this.copies = this.copiesTo(tierArgs, shared, context)
  }

  private copiesTo(tierArgs: TierArgs, shared: SharedTiers, { tierEvents }: WorkerContext): PageCopies {
    const { kv, timing } = this
    const worker = {
      roomMade: () => this.capacityFreed(),
      computeMs: (tokens: number, prefixTokens: number) =>
        timing.prefillMs({ batchPrompts: 1, meanIslTokens: prefixTokens + tokens, meanPrefixTokens: prefixTokens })
    }
    return new PageCopies(tierArgs, shared, kv, worker, tierEvents)
  }

  /** Whether somebody outside this worker will give KV back to it. */
  protected awaitsRelease(): boolean {
    return false
  }

  /** The request lets go of its KV; its complete pages stay cached. */
  protected letGo(sequence: Sequence): void {
    const node = this.kv.finalise(sequence)
    this.copies?.letGo(sequence, node)
  }

  /**
   * Takes back the KV of the last waiting request that holds some: chunks that it computed before others went ahead of it. They stay
   * cached until the room is needed. False when nobody who waits holds any.
   */
  protected reclaim(): boolean {
    let holder: Sequence | undefined = undefined
    for (let each = this.waiting.head; each !== undefined; each = each.behind) {
      if (each.materialisedTokens > 0) holder = each
    }
    if (holder === undefined) return false
    this.restart(holder)
    return true
  }

  /** The `head` of the queue is refused although nobody is served: only what others who wait hold can help. */
  protected freeStuckHead(head: Sequence): void {
    if (!this.awaitsKv() && !this.reclaim()) this.restoreLost(head)
  }

  /** Running requests find no room for their next tokens, and nobody to retract: what copies or those who wait hold has to do. */
  protected standStill(nowMs: number): void {
    const { copies, outcome } = this
    const room = copies?.roomToCome()
    if (room !== undefined) copies?.wait(this.running, room, nowMs)
    this.standsStill = room !== undefined
    if (outcome.progressed || this.awaitsKv()) return
    this.standsStill = this.reclaim()
    if (!this.standsStill) this.restartRunning()
  }

  /** Running requests have room for their next tokens. */
  protected goOn(): void {
    this.fruitlessReclaims = 0
    if (!this.standsStill) return
    this.standsStill = false
    this.copies?.countWaits(this.running)
  }

  /**
   * Takes back the KV of a request, which computes it anew. One that stood in its own way starts again with an empty cache: it held
   * pages twice, because others had cached them before it put its own into the tree, or slots were lost since it was admitted.
   */
  protected restart(sequence: Sequence): void {
    sequence.request.computedUpTo(sequence.materialisedTokens)
    this.letGo(sequence)
    if (sequence === this.waiting.head) this.clearCache()
    this.notePreemption(sequence)
    this.noteReclaim(sequence)
  }

  /** Copies may lock pages that are in the way as well: they come first. */
  protected clearCache(): void {
    this.clearsCache = this.copies?.roomToCome() !== undefined
    if (!this.clearsCache) this.kv.clear()
  }

  protected notePreemption({ request }: Sequence): void {
    this.preemptions += 1
    this.outcome.preemptions += 1
    this.outcome.worked()
    this.probe?.preempted?.(request, this.outcome.prefillEndMs)
  }

  /** Whether KV comes back here without anybody's doing: from outside, or when copies end. */
  private awaitsKv(): boolean {
    const { copies, waiting } = this
    if (this.awaitsRelease()) return true
    return copies !== undefined && (copies.holdsPages || waiting.find((each) => !isDueSequence(each)) !== undefined)
  }

  /** Nobody holds anything here, so slots that retractions lost can be told and had again. */
  private restoreLost(head: Sequence): void {
    if (this.kv.isWhole) return
    this.kv.clear()
    this.noteReclaim(head)
  }

  /** The one running request needs a slot that nobody else can give back. */
  private restartRunning(): void {
    const sequence = this.running.pop()
    if (sequence === undefined) return
    this.waiting.pushFront(sequence)
    this.restart(sequence)
  }

  private noteReclaim({ request }: Sequence): void {
    this.outcome.worked()
    this.capacityFreed()
    this.fruitlessReclaims += 1
    if (this.fruitlessReclaims <= maxFruitlessReclaims) return
    const several =
      this.inFlight === 1 ? "a request displaces its own" : `${this.inFlight} requests displace each other's`
    throw new EngineStalled(
      request,
      `${several} prefill without end: the KV pool of ${counted(this.kv.capacityTokens, "token")} never lets `
        + "a token out. Give the engine more KV (num_gpu_blocks), or larger pages (block_size, sglang.page_size)"
    )
  }
}
