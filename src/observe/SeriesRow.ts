/** One row of a run's time series: an interval of simulated time, seen over the whole run, a pool, or a worker. */
import type { PoolRole } from "../simulation/RunProbe.ts"
import type { Column } from "../report/Column.ts"

/** What an interval is told of. Rows of workers add up to their pool's. */
export type SeriesScope = "run" | "pool" | "worker"

/** One interval of the run, a pool or a worker: counts within it, and levels at its end. */
export interface SeriesRow {
  /** The interval, simulated ms: `startMs <= t < endMs`. A stretch in which nothing begins or ends is one row, however long. */
  readonly startMs: number
  readonly endMs: number
  readonly scope: SeriesScope
  /** `null` for the whole run. */
  readonly role: PoolRole | null
  /** Index in its pool; `null` but for workers. */
  readonly worker: number | null
  /** Name of its group, for workers of pools whose workers differ. */
  readonly group: string | null
  /** Workers that are up at its end, draining ones among them. */
  readonly workersUp: number
  /** Workers that are starting then; of pools and runs. */
  readonly workersStarting: number
  /** Workers that are draining then; of pools and runs. */
  readonly workersDraining: number
  /** Requests that wait in, and are in the batch of, workers at its end. */
  readonly waiting: number
  readonly running: number
  /** Requests that the router holds back at its end; `null` for workers. */
  readonly routerQueue: number | null
  /** KV blocks at its end: held by requests, cached and held by nobody, and neither. */
  readonly activeBlocks: number
  readonly cachedBlocks: number
  readonly freeBlocks: number
  /** Blocks in KV tiers at its end, in host memory and on disk; `null` where workers have none. A disk that workers share counts once. */
  readonly hostBlocks: number | null
  readonly diskBlocks: number | null
  /** Blocks moved between devices and host memory so far, both ways, and links between them with a copy under way at its end. */
  readonly hostMovedBlocks: number | null
  readonly hostBusyLinks: number | null
  /** Passes that end in it, what they computed and emitted (a prefill worker's hidden tokens included), whom they preempted. */
  readonly passes: number
  readonly prefillTokens: number
  readonly decodeTokens: number
  readonly preemptions: number
  /** Time of the interval that passes take, ms, summed over workers. */
  readonly busyMs: number
  /** Requests that arrive: at the run, or sent to the pool or worker. */
  readonly arrivals: number
  readonly completed: number
  readonly rejected: number
  readonly failed: number
  /** Requests whose first visible token comes, their prompts, and what of those was found because others had computed it. */
  readonly firstTokens: number
  readonly inputTokens: number
  readonly sharedReusedTokens: number
  /** Over those requests, ms; `null` where there are none. */
  readonly meanTtftMs: number | null
  readonly maxTtftMs: number | null
  /** Visible tokens that follow another one of their request, and the gaps before them, ms; `null` where there are none. */
  readonly tokenGaps: number
  readonly meanItlMs: number | null
  readonly maxItlMs: number | null
}

/** The columns of a series as files name them, in their order. */
export const seriesColumns: ReadonlyArray<Column<SeriesRow>> = [
  { name: "start_ms", type: "number", of: (row) => row.startMs },
  { name: "end_ms", type: "number", of: (row) => row.endMs },
  { name: "scope", type: "text", of: (row) => row.scope },
  { name: "role", type: "text", of: (row) => row.role },
  { name: "worker", type: "integer", of: (row) => row.worker },
  { name: "group", type: "text", of: (row) => row.group },
  { name: "workers_up", type: "integer", of: (row) => row.workersUp },
  { name: "workers_starting", type: "integer", of: (row) => row.workersStarting },
  { name: "workers_draining", type: "integer", of: (row) => row.workersDraining },
  { name: "waiting", type: "integer", of: (row) => row.waiting },
  { name: "running", type: "integer", of: (row) => row.running },
  { name: "router_queue", type: "integer", of: (row) => row.routerQueue },
  { name: "active_blocks", type: "number", of: (row) => row.activeBlocks },
  { name: "cached_blocks", type: "number", of: (row) => row.cachedBlocks },
  { name: "free_blocks", type: "number", of: (row) => row.freeBlocks },
  { name: "host_blocks", type: "integer", of: (row) => row.hostBlocks },
  { name: "disk_blocks", type: "integer", of: (row) => row.diskBlocks },
  { name: "host_moved_blocks", type: "integer", of: (row) => row.hostMovedBlocks },
  { name: "host_busy_links", type: "integer", of: (row) => row.hostBusyLinks },
  { name: "passes", type: "integer", of: (row) => row.passes },
  { name: "prefill_tokens", type: "integer", of: (row) => row.prefillTokens },
  { name: "decode_tokens", type: "integer", of: (row) => row.decodeTokens },
  { name: "preemptions", type: "integer", of: (row) => row.preemptions },
  { name: "busy_ms", type: "number", of: (row) => row.busyMs },
  { name: "arrivals", type: "integer", of: (row) => row.arrivals },
  { name: "completed", type: "integer", of: (row) => row.completed },
  { name: "rejected", type: "integer", of: (row) => row.rejected },
  { name: "failed", type: "integer", of: (row) => row.failed },
  { name: "first_tokens", type: "integer", of: (row) => row.firstTokens },
  { name: "input_tokens", type: "integer", of: (row) => row.inputTokens },
  { name: "shared_reused_tokens", type: "integer", of: (row) => row.sharedReusedTokens },
  { name: "mean_ttft_ms", type: "number", of: (row) => row.meanTtftMs },
  { name: "max_ttft_ms", type: "number", of: (row) => row.maxTtftMs },
  { name: "token_gaps", type: "integer", of: (row) => row.tokenGaps },
  { name: "mean_itl_ms", type: "number", of: (row) => row.meanItlMs },
  { name: "max_itl_ms", type: "number", of: (row) => row.maxItlMs }
]
