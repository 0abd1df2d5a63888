/** What sweeps compare runs by: every figure of a report, and figures per GPU. */
import { type Metric, type Metrics, reportMetrics } from "../report/Metric.ts"
import type { Report } from "../report/Report.ts"

/** GPUs of a deployment: workers times GPUs of a worker, summed over its pools. */
export const totalGpus = ({ dynosim }: Report): number =>
  (dynosim.pools ?? []).reduce((sum, { gpus_per_worker, workers }) => sum + workers * gpus_per_worker, 0)

const perGpu = (name: string): Metric | undefined => {
  const whole = reportMetrics.get(name)
  return whole === undefined
    ? undefined
    : {
        name: `${name}_per_gpu`,
        unit: whole.unit,
        isWallClock: false,
        of: (report) => {
          const [value, gpus] = [whole.of(report), totalGpus(report)]
          return value === undefined || gpus === 0 ? undefined : value / gpus
        }
      }
}

const derived: ReadonlyArray<Metric> = [
  { name: "total_gpus", unit: "gpus", isWallClock: false, of: totalGpus },
  ...[
    "request_throughput_rps",
    "output_throughput_tok_s",
    "total_throughput_tok_s",
    "goodput_request_throughput_rps",
    "goodput_output_throughput_tok_s"
  ].flatMap((name) => perGpu(name) ?? [])
]

/** By name. Figures that depend on the real time a run took are left out: equal runs differ in them. */
export const sweepMetrics: Metrics = new Map(
  [...reportMetrics.values(), ...derived]
    .filter(({ isWallClock }) => !isWallClock)
    .map((metric) => [metric.name, metric])
)
