/** What stands around the table for somebody who looks: what was simulated, and what came of it. */
import { printable } from "../report/Printable.ts"
import type { ClassFigures, Fairness, Pool, Report, SessionsReport } from "../report/Report.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { enginesOf } from "../run/WorkerGroups.ts"
import type { RunWatch } from "./RunWatch.ts"
import { englishNumber, significantDigits } from "../settings/EnglishNumber.ts"
import { counted } from "../settings/Counted.ts"

type EngineArgs = Extract<ReplayOptions["deployment"], { readonly _tag: "Aggregated" }>["engine"]

const count = (value: number): string => englishNumber(value, 0, 0)
const figure = (value: number): string => significantDigits(value, 4)
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** Label and text, one under the other. */
const lines = (entries: ReadonlyArray<readonly [label: string, text: string]>, heading: (text: string) => string) => {
  const width = Math.max(...entries.map(([label]) => label.length))
  return entries.map(([label, text]) => `${heading(`${label}:`.padEnd(width + 2))}${printable(text)}`)
}

/** Before the table. `heading` makes a label stand out. */
export const simulatedLines = (
  { deployment, input, load, mode, routing }: ReplayOptions,
  { dynosim: { pools = [] } }: Report,
  heading: (text: string) => string
): ReadonlyArray<string> => {
  const engines = enginesOf(deployment)
  const source = sourceText(input)
  const how =
    load._tag === "ClosedLoop"
      ? `closed loop of ${count(load.concurrency)}`
      : `open loop${load.arrivalSpeedup === 1 ? "" : `, ${figure(load.arrivalSpeedup)} times faster`}`
  return lines(
    [
      ["Engine", [...new Set(engines.map(engineText))].join(" and ")],
      ["Timing", [...new Set(pools.map(({ timing_source }) => timing_source))].join(", ")],
      ["Workers", `${pools.map(workersText).join(" and ")}, ${routing.mode}`],
      ["KV pool", pools.map(poolText).join(" and ")],
      ["Load", `${source}, ${how}${mode === "online" ? ", on the live clock" : ""}`]
    ],
    heading
  )
}

const sourceText = (input: ReplayOptions["input"]): string => {
  if (input._tag === "Trace") return input.files.join(", ")
  return input._tag === "Synthetic"
    ? "synthetic requests"
    : `classes ${input.plan.classes.map(({ name }) => name).join(", ")}`
}

const engineText = ({ engineProfile, engineType }: EngineArgs): string =>
  `${engineType}, scheduled like ${engineProfile}`

/** Role of the pool and name of the group, where there are others. */
const nameText = ({ group, role }: Pick<Pool, "group" | "role">): string =>
  [...(role === "aggregated" ? [] : [role]), ...(group === undefined ? [] : [group])].map((name) => `${name} `).join("")

const workersText = (pool: Pool): string =>
  `${count(pool.workers)} ${nameText(pool)}of ${counted(pool.gpus_per_worker, "GPU")}`

const poolText = (pool: Pool): string =>
  `${nameText(pool)}${counted(pool.kv_tokens, "token")} per worker, ${counted(pool.kv_blocks, "block")} of ${pool.block_size}`
  + (pool.kv_gib === null ? "" : `, ${figure(pool.kv_gib)} GiB`)

/** After the table. */
export const outcomeLines = (
  options: ReplayOptions,
  report: Report,
  watch: RunWatch,
  heading: (text: string) => string
): ReadonlyArray<string> => {
  const { dynosim, goodput_completed_requests: good } = report
  const warnings = dynosim.warnings.length
  const entries: Array<readonly [string, string]> = [
    [
      "Reuse",
      `${percent(report.shared_prefix_reused_ratio)} of the prompt tokens had been computed by others or in earlier turns`
    ],
    [
      "TTFT",
      `p50 ${figure(report.median_ttft_ms)}, p95 ${figure(report.p95_ttft_ms)} ms; on average ${figure(watch.meanQueueMs)} ms in the queue, ${figure(watch.meanPrefillMs)} ms from there to the token`
    ],
    ["ITL", `p50 ${figure(report.median_itl_ms)}, p95 ${figure(report.p95_itl_ms)} ms`],
    ["Preempted", counted(watch.preemptions(), "time")],
    ["Requests", conservation(report)],
    ["GPU hours", `${figure(report.gpu_hours)}${groupsText(dynosim.worker_groups)}`],
    ...scalingEntries(dynosim.scaling)
  ]
  if (good !== undefined) {
    const share = report.completed_requests === 0 ? 0 : good / report.completed_requests
    entries.push(["Goodput", `${counted(good, "request")} (${percent(share)}) within the service level`])
  }
  for (const [name, figures] of Object.entries(dynosim.classes ?? {}))
    entries.push([`Class ${name}`, classText(figures)])
  if (dynosim.fairness !== undefined) entries.push(["Fairness", fairnessText(dynosim.fairness)])
  if (dynosim.sessions !== undefined) entries.push(["Sessions", sessionsText(dynosim.sessions)])
  if (warnings > 0) entries.push(["Warnings", `${count(warnings)}, under dynosim.warnings in the report`])
  const advice = [overload(options, report, watch), brokenFloor(options, report)].filter((text) => text !== undefined)
  return lines([...entries, ...advice.map((text) => ["Note", text] as const)], heading)
}

const classText = ({ e2e_latency_ms, goodput, itl_ms, offered_requests, ttft_ms }: ClassFigures): string =>
  `${counted(offered_requests, "request")}, TTFT p50 ${figure(ttft_ms.median)}, p95 ${figure(ttft_ms.p95)} ms, ${itl_ms === undefined ? "" : `ITL p50 ${figure(itl_ms.median)}, p95 ${figure(itl_ms.p95)} ms, `}`
  + `latency p95 ${figure(e2e_latency_ms.p95)} ms${goodput === undefined ? "" : `, ${percent(goodput.ratio)} good`}`

const fairnessText = ({ goodput_ratio, output_tokens_per_latency_second }: Fairness): string =>
  `Jain's index over classes: ${goodput_ratio === undefined ? "" : `${figure(goodput_ratio)} of good shares, `}`
  + `${figure(output_tokens_per_latency_second)} of output tokens per second of latency`

const sessionsText = ({
  cold_ttft_ms,
  duration_ms,
  ended_sessions,
  later_turns,
  mean_turns,
  warm_ttft_ms
}: SessionsReport): string =>
  `${count(ended_sessions)} of ${figure(mean_turns)} ${mean_turns === 1 ? "turn" : "turns"}, p50 ${figure(duration_ms.median / 1000)} s; TTFT p50 of first turns ${figure(cold_ttft_ms.median)} ms`
  + `${later_turns === 0 ? "" : `, of later ones ${figure(warm_ttft_ms.median)} ms`}`

type RunFacts = Report["dynosim"]

const groupsText = (groups: RunFacts["worker_groups"]): string =>
  groups === undefined
    ? ""
    : ` (${groups.map((group) => `${nameText({ ...group, role: group.pool })}${figure(group.gpu_hours)}`).join(", ")})`

/** How often the pools changed, between how many workers, and what a GPU hour gave. */
const scalingEntries = (scaling: RunFacts["scaling"]): ReadonlyArray<readonly [label: string, text: string]> => {
  if (scaling === undefined) return []
  const { autoscaler, good_requests_per_gpu_hour: good, pool_sizes, requests_per_gpu_hour, scaling_events } = scaling
  const ranges = [...new Set(pool_sizes.map(({ pool }) => pool))].map((pool) => {
    const ready = pool_sizes.filter((size) => size.pool === pool).map((size) => size.ready)
    const [fewest, most] = [Math.min(...ready), Math.max(...ready)]
    return `${nameText({ role: pool })}${fewest === most ? "" : `${count(fewest)} to `}${count(most)}`
  })
  const gain =
    good === undefined
      ? counted(Math.round(requests_per_gpu_hour), "request")
      : counted(Math.round(good), "good request")
  const ready = ranges.join(" and ")
  const changes = `${counted(scaling_events.length, "change")} by ${autoscaler}, `
  return [
    [
      "Scaling",
      `${autoscaler === "none" ? "" : changes}${ready} ${ready === "1" ? "worker" : "workers"} ready; ${gain} per GPU hour`
    ]
  ]
}

const conservation = ({ dynosim }: Report): string =>
  `${count(dynosim.offered_requests)} offered = ${count(dynosim.completed_requests)} completed + ${count(dynosim.rejected_requests)} rejected`
  + `${dynosim.failed_requests === 0 ? "" : ` + ${count(dynosim.failed_requests)} failed`} + ${count(dynosim.in_flight_requests)} in flight`

/** How many times more is asked of an open loop than it gives, and how that shows; `undefined` where it keeps up. */
const excessOf = (
  { dynosim: { offered_requests: offered, truncated } }: Report,
  { lastArrivalMs, lastTokenMs, meanPrefillMs, meanQueueMs, neverAdmitted }: RunWatch
): { readonly times: number; readonly sign: string } | undefined => {
  if (truncated) {
    const times = offered / Math.max(offered - neverAdmitted, 1)
    return times < 1.1
      ? undefined
      : {
          times,
          sign: `${count(neverAdmitted)} of the ${counted(offered, "request")} that came ${neverAdmitted === 1 ? "was" : "were"} still waiting when the run was cut off`
        }
  }
  const times = lastTokenMs / lastArrivalMs
  return lastArrivalMs <= 0 || times < 1.1 || meanQueueMs < 10 * meanPrefillMs
    ? undefined
    : { times, sign: `serving took ${times.toFixed(2)} times as long as the requests took to come` }
}

const overload = ({ deployment, load }: ReplayOptions, report: Report, watch: RunWatch): string | undefined => {
  if (load._tag !== "OpenLoop") return undefined
  const excess = excessOf(report, watch)
  if (excess === undefined) return undefined
  const { sign, times } = excess
  const flag = deployment._tag === "Aggregated" ? "--num-workers" : "--num-prefill-workers or --num-decode-workers"
  const workers = deployment._tag === "Aggregated" ? ` ${Math.ceil(deployment.workers * times)}` : ""
  return `overloaded: ${sign}, and latencies measure the queue; try ${flag}${workers}, or --arrival-speedup-ratio ${figure(load.arrivalSpeedup / times)}`
}

/** Where even the best request misses a bound, more workers do not help. */
const brokenFloor = ({ serviceLevel }: ReplayOptions, report: Report): string | undefined => {
  if (report.completed_requests === 0) return undefined
  const { e2eMs, itlMs, ttftMs } = serviceLevel
  const missed = (what: string, bestMs: number, boundMs: number): string =>
    `even the best request has ${what} of ${figure(bestMs)} ms, above the ${figure(boundMs)} ms asked for; `
    + "try a faster engine or more GPUs per worker, for more workers alone may not be enough"
  if (ttftMs !== undefined && report.min_ttft_ms > ttftMs) return missed("a TTFT", report.min_ttft_ms, ttftMs)
  if (itlMs !== undefined && report.min_tpot_ms > itlMs) return missed("a mean ITL", report.min_tpot_ms, itlMs)
  if (e2eMs !== undefined && report.min_e2e_latency_ms > e2eMs)
    return missed("a latency", report.min_e2e_latency_ms, e2eMs)
  return undefined
}
