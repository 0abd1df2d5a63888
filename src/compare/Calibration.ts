/**
 * Fits the few factors that a timing model may be off by to a measured run: the run is simulated again and again, and times to first
 * token and mean gaps of the same requests are brought together by least squares.
 *
 * Every fifth pair of requests is held back: no fit sees it, and errors are told of these alone.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { type PairedError, pairedError } from "./Comparison.ts"
import { meanOf } from "./Distribution.ts"
import { leastSquares, type Outlook, type Parameter } from "./LeastSquares.ts"
import { match, type Pair } from "./Matching.ts"
import { type Measurement, measurementOf, type RequestSample } from "./Measurement.ts"
import type { TimeSpent } from "./PassTimes.ts"
import type { MetricName } from "./Metric.ts"

/** Engine arguments that are fitted, by their keys. */
export const factorNames = ["prefill_speedup_ratio", "decode_speedup_ratio", "pass_overhead_ms", "frontend_ms"] as const
/** Engine arguments that a calibration fits. */
export type FactorName = (typeof factorNames)[number]
/** A value for each of them: speed-ups as factors, overheads in ms. */
export type Factors = Readonly<Record<FactorName, number>>

/** A request, and what the passes of its worker were made of meanwhile. */
export interface SimulatedRequest {
  readonly sample: RequestSample
  readonly toFirstToken: TimeSpent
  /** The same from the last moment on at which the worker had nothing to do. */
  readonly fromIdleToFirstToken: TimeSpent
  readonly fromFirstToLastToken: TimeSpent
}

export interface CalibrationInput<E, R> {
  readonly measured: Measurement
  readonly start: Factors
  /** Simulates the run with these factors; its requests in any order. */
  readonly simulate: (factors: Factors) => Effect.Effect<ReadonlyArray<SimulatedRequest>, E, R>
}

/** Fitted engine arguments, and how far off the simulation was before and is after on requests that were held back. */
export interface Calibration {
  readonly engine_args: Factors
  readonly matched_by: string
  readonly fitted_pairs: number
  readonly held_back_pairs: number
  readonly simulations: number
  /** Factors that made no difference to this run and stayed what they were. */
  readonly undetermined: ReadonlyArray<FactorName>
  /** Errors of held-back requests. */
  readonly errors: ReadonlyArray<{
    readonly metric: MetricName
    readonly before: PairedError
    readonly after: PairedError
  }>
}

const judged = ["ttft_ms", "tpot_ms", "e2e_latency_ms"] as const

const fewestPairs = 10

/** No timing model is off by more than this factor, or by more than this many ms. */
const mostRatio = Math.log(1000)
const mostMs = 60_000

const isHeldBack = (index: number): boolean => index % 5 === 4

export const calibrate = Effect.fnUntraced(function* <E, R>({
  measured,
  simulate,
  start
}: CalibrationInput<E, R>): Effect.fn.Return<Calibration, E | UsageError, R> {
  const pairsWith = (factors: Factors, expected?: number) =>
    Effect.flatMap(simulate(factors), (requests) => Effect.fromResult(pairsOf(measured, requests, expected)))
  const before = yield* pairsWith(start)
  const { length } = before.pairs
  const scale = scaleOf(before.pairs)
  const look = (slopes: FirstTokenSlopes) => (point: ReadonlyArray<number>) =>
    Effect.map(pairsWith(factorsOf(point), length), ({ pairs, simulated }) =>
      outlookOf(
        pairs.filter((_, index) => !isHeldBack(index)),
        simulated,
        scale,
        slopes
      )
    )
  const trend = yield* leastSquares(
    parametersOf(start, scale),
    look(({ toFirstToken }) => toFirstToken)
  )
  const fit = yield* leastSquares(
    parametersOf(factorsOf(trend.point), scale),
    look(({ fromIdleToFirstToken }) => fromIdleToFirstToken)
  )
  const engineArgs = factorsOf(fit.point)
  const after = yield* pairsWith(engineArgs, length)
  const heldBack = (pairs: ReadonlyArray<Pair>) => pairs.filter((_, index) => isHeldBack(index))
  const held = heldBack(before.pairs)
  return {
    engine_args: engineArgs,
    matched_by: before.by,
    fitted_pairs: length - held.length,
    held_back_pairs: held.length,
    simulations: trend.calls + fit.calls + 2,
    undetermined: fit.undetermined.flatMap((index) => factorNames[index] ?? []),
    errors: errorsOf(held, heldBack(after.pairs))
  }
})

interface SimulatedPairs {
  readonly by: string
  readonly pairs: ReadonlyArray<Pair>
  readonly simulated: ReadonlyMap<RequestSample, SimulatedRequest>
}

const pairsOf = (
  measured: Measurement,
  requests: ReadonlyArray<SimulatedRequest>,
  expected: number | undefined
): Result.Result<SimulatedPairs, UsageError> => {
  const samples = requests.map(({ sample }) => sample)
  const simulation = measurementOf({ name: "the simulation", source: "dynosim", requests: samples })
  const simulated = new Map(requests.map((request) => [request.sample, request]))
  return Result.map(enoughPairs(measured, simulation, expected), ({ by, pairs }) => ({ by, pairs, simulated }))
}

const enoughPairs = (measured: Measurement, simulated: Measurement, expected?: number) => {
  const matching = match(measured, simulated)
  if (matching.pairs.length < fewestPairs) {
    return Result.fail(
      usageError(
        measured.name,
        matching.pairs.length > 0 ? `only ${matching.pairs.length} of its requests are simulated` : matching.by,
        "calibrate with per-request results of the trace that is simulated"
      )
    )
  }
  return expected !== undefined && expected !== matching.pairs.length
    ? Result.fail(
        usageError(
          measured.name,
          "other requests complete with other factors",
          "calibrate with a load that the engine copes with"
        )
      )
    : Result.succeed(matching)
}

interface Scale {
  readonly ttftMs: number
  readonly tpotMs: number
}

const meanKnown = (values: ReadonlyArray<number>): number => {
  const known = values.filter(Number.isFinite)
  return known.length === 0 ? Number.NaN : meanOf(known)
}

/** Means of what was measured, by which both kinds of residual weigh the same. */
const scaleOf = (pairs: ReadonlyArray<Pair>): Scale => ({
  ttftMs: meanKnown(pairs.map(([{ ttftMs }]) => ttftMs)) || 1,
  tpotMs: meanKnown(pairs.map(([{ tpotMs }]) => tpotMs)) || 1
})

/**
 * How the time to the first token changes with the factors. Over large changes, with what the passes take while a request waits: whether it
 * just misses a pass evens out. Over small ones, where the same passes stay missed, with all that its worker did since it was last idle.
 */
type FirstTokenSlopes = (request: SimulatedRequest) => TimeSpent

/**
 * Two residuals per request, and how they change with each factor: a ratio's logarithm takes time off its part of the passes, the
 * overhead comes once per pass. What a request does not have, such as a gap when it has one token, leaves no residual.
 */
const outlookOf = (
  pairs: ReadonlyArray<Pair>,
  simulated: ReadonlyMap<RequestSample, SimulatedRequest>,
  { tpotMs, ttftMs }: Scale,
  firstToken: FirstTokenSlopes
): ReadonlyArray<Outlook> => {
  const known = pairs.flatMap(([measured, sample]) => {
    const request = simulated.get(sample)
    return request === undefined ? [] : [{ measured, sample, request }]
  })
  const ttft = known.map(({ measured, request, sample }) =>
    residualOf((sample.ttftMs - measured.ttftMs) / ttftMs, firstToken(request), ttftMs, 1)
  )
  const tpot = known.map(({ measured, request, sample }) => {
    const gaps = sample.outputTokens - 1
    return residualOf((sample.tpotMs - measured.tpotMs) / tpotMs, request.fromFirstToLastToken, tpotMs * gaps, 0)
  })
  return [outlook(ttft), outlook(tpot)]
}

interface ResidualAndSlopes {
  readonly residual: number
  readonly slopes: ReadonlyArray<number>
}

const residualOf = (
  residual: number,
  { decodeMs, passes, prefillMs }: TimeSpent,
  divisor: number,
  frontEnds: number
): ResidualAndSlopes => ({
  residual,
  slopes: [-prefillMs, -decodeMs, passes, frontEnds].map((slope) => slope / divisor)
})

const outlook = (all: ReadonlyArray<ResidualAndSlopes>): Outlook => {
  const known = all.filter(({ residual }) => Number.isFinite(residual))
  return {
    residuals: Float64Array.from(known, ({ residual }) => residual),
    slopes: factorNames.map((_, factor) => Float64Array.from(known, ({ slopes }) => slopes[factor] ?? 0))
  }
}

/** Ratios are fitted by their logarithms. */
const parametersOf = (start: Factors, { tpotMs, ttftMs }: Scale): ReadonlyArray<Parameter> => {
  const ratio = (value: number): Parameter => ({
    start: Math.log(value),
    minimum: -mostRatio,
    maximum: mostRatio,
    stride: 0.5
  })
  const ms = (value: number, stride: number): Parameter => ({ start: value, minimum: 0, maximum: mostMs, stride })
  return [
    ratio(start.prefill_speedup_ratio),
    ratio(start.decode_speedup_ratio),
    ms(start.pass_overhead_ms, tpotMs),
    ms(start.frontend_ms, ttftMs)
  ]
}

const factorsOf = ([prefill = 0, decode = 0, overheadMs = 0, frontendMs = 0]: ReadonlyArray<number>): Factors => ({
  prefill_speedup_ratio: Math.exp(prefill),
  decode_speedup_ratio: Math.exp(decode),
  pass_overhead_ms: overheadMs,
  frontend_ms: frontendMs
})

const errorsOf = (before: ReadonlyArray<Pair>, after: ReadonlyArray<Pair>): Calibration["errors"] =>
  judged.flatMap((metric) => {
    const [was, is] = [pairedError(metric, before), pairedError(metric, after)]
    return was === undefined || is === undefined ? [] : [{ metric, before: was, after: is }]
  })
