/** What KV tiers below the device did in a run, as the report shows it. */
import type { RequestRecord } from "../request/SimRequest.ts"
import type { RunSummary } from "./ReplayEvent.ts"
import type { KvTiersReport } from "./Report.ts"
import { RequestMetric } from "./RequestMetric.ts"

export class TierReport {
  private requests = 0
  private deviceTokens = 0
  private hostTokens = 0
  private diskTokens = 0
  private objectTokens = 0
  private readonly onboardWaitMs: RequestMetric
  private readonly offloadWaitMs: RequestMetric

  constructor(exactRequests?: number) {
    this.onboardWaitMs = new RequestMetric(exactRequests)
    this.offloadWaitMs = new RequestMetric(exactRequests)
  }

  /** Any request; those of workers without tiers do not count. What it finds at later admissions it may have computed itself. */
  add({ firstAdmissionReusedTokens, tiers }: RequestRecord): void {
    if (tiers === null) return
    const { diskReusedTokens, hostReusedTokens, objectReusedTokens } = tiers
    const loadedTokens = hostReusedTokens + diskReusedTokens + objectReusedTokens
    this.requests += 1
    this.deviceTokens += Math.max(0, firstAdmissionReusedTokens - loadedTokens)
    this.hostTokens += hostReusedTokens
    this.diskTokens += diskReusedTokens
    this.objectTokens += objectReusedTokens
    this.onboardWaitMs.add(tiers.onboardWaitMs)
    this.offloadWaitMs.add(tiers.offloadWaitMs)
  }

  /** Nothing where no worker had tiers. */
  json({ endMs, tiers }: RunSummary): KvTiersReport | undefined {
    if (this.requests === 0 && tiers === undefined) return undefined
    const waits = (metric: RequestMetric) => {
      const { max, mean, p95 } = metric.statistics()
      return { mean, p95, max }
    }
    return {
      reused_tokens: {
        device: this.deviceTokens,
        host: this.hostTokens,
        disk: this.diskTokens,
        object: this.objectTokens
      },
      onboard_wait_ms: waits(this.onboardWaitMs),
      offload_wait_ms: waits(this.offloadWaitMs),
      ...(tiers === undefined
        ? {}
        : {
            dropped_blocks: tiers.droppedBlocks,
            links: tiers.links.map(({ blocks, busyMs, bytes, from, links, to }) => ({
              from,
              to,
              blocks,
              bytes,
              busy_ratio: endMs > 0 ? Math.min(1, busyMs / (links * endMs)) : 0
            }))
          })
    }
  }
}
