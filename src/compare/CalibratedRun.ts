/** Calibration of the run that options describe: simulated again and again until it comes close to a measured one. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { requestLine } from "../report/RequestLines.ts"
import type { RequestRecord } from "../request/SimRequest.ts"
import type { Deployment, ReplayOptions } from "../run/ReplayOptions.ts"
import * as Run from "../run/Run.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import { calibrate, type Calibration, type Factors, type SimulatedRequest } from "./Calibration.ts"
import { dynosimRequest } from "./DynosimFiles.ts"
import type { Measurement } from "./Measurement.ts"
import { PassTimes } from "./PassTimes.ts"

/** Options of a run that calibration covers. */
export type CalibratedOptions = ReplayOptions & { readonly deployment: Deployment & { readonly _tag: "Aggregated" } }

/** The options as those of a run that can be calibrated, or why it cannot; `named` is what the user called them. */
export const calibratable = (options: ReplayOptions, named: string): Result.Result<CalibratedOptions, UsageError> => {
  const refused = (problem: string, advice: string) => Result.fail(usageError(named, problem, advice))
  const { deployment } = options
  if (options.input._tag === "Trace" && options.input.files.includes("-")) {
    return refused("reads its trace from standard input, which can be read only once", "name a file")
  }
  if (options.measure !== undefined) {
    return refused(
      "measures a part of the run",
      "calibration compares all requests: leave measure-from and measure-until out"
    )
  }
  if (options.mode === "online") return refused("asks for replay_mode online", "calibration simulates in virtual time")
  if (deployment._tag === "Disaggregated") {
    return refused("describes prefill and decode pools", "calibration covers aggregated deployments only")
  }
  if (deployment.groups !== undefined) {
    return refused("describes different workers", "calibration covers equal workers only: give one engine")
  }
  return deployment.engine.mtp === undefined
    ? Result.succeed({ ...options, deployment })
    : refused("has draft tokens (aic_nextn), which go with no decode_speedup_ratio", "leave aic_nextn out")
}

/** Fits the factors of the run's engine to what was measured, per request; see docs/compare.md. */
export const calibrateRun = (
  measured: Measurement,
  options: ReplayOptions
): Effect.Effect<Calibration, UsageError | Run.RunError, Run.Inputs> =>
  Effect.flatMap(Effect.fromResult(calibratable(options, "the simulated run")), (covered) =>
    calibrate({
      measured,
      start: factorsOf(covered.deployment.engine),
      simulate: (factors) => simulate(covered, factors)
    })
  )

const factorsOf = (args: EngineArgs): Factors => ({
  prefill_speedup_ratio: args.prefillSpeedupRatio,
  decode_speedup_ratio: args.decodeSpeedupRatio === 0 ? 1 : args.decodeSpeedupRatio,
  pass_overhead_ms: args.passOverheadMs,
  frontend_ms: args.frontendMs
})

const withFactors = (args: EngineArgs, factors: Factors): EngineArgs => ({
  ...args,
  prefillSpeedupRatio: factors.prefill_speedup_ratio,
  decodeSpeedupRatio: factors.decode_speedup_ratio,
  passOverheadMs: factors.pass_overhead_ms,
  frontendMs: factors.frontend_ms
})

/** What the passes of each worker are made of, by worker index. */
const passTimesOf = (overheadMs: number) => {
  const workers: Array<PassTimes> = []
  const of = (worker: number): PassTimes => (workers[worker] ??= new PassTimes(overheadMs))
  const probe: RunProbe = {
    pass: ({ workerIndex }, startMs, { endMs, prefillEndMs }) => of(workerIndex).add(startMs, prefillEndMs, endMs)
  }
  return { of, probe }
}

const simulate = (options: CalibratedOptions, factors: Factors) =>
  Effect.suspend(() => {
    const passes = passTimesOf(factors.pass_overhead_ms)
    const request = (record: RequestRecord): SimulatedRequest => {
      const times = passes.of(record.workerIndex)
      const { arrivalMs, firstTokenMs, lastTokenMs } = record
      return {
        sample: dynosimRequest(JSON.parse(requestLine(record))),
        toFirstToken: times.between(arrivalMs + factors.frontend_ms, firstTokenMs),
        fromIdleToFirstToken: times.sinceIdle(firstTokenMs),
        fromFirstToLastToken: times.between(firstTokenMs, lastTokenMs)
      }
    }
    return Run.events(
      { ...options, deployment: { ...options.deployment, engine: withFactors(options.deployment.engine, factors) } },
      { probes: [passes.probe] }
    ).pipe(
      Stream.runCollect,
      Effect.map((events) =>
        events.flatMap((event) => (event._tag === "Request" && event.status === "completed" ? [request(event)] : []))
      )
    )
  })
