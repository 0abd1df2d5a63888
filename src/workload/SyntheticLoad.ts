/**
 * Made-up load: requests or sessions of given or drawn lengths at regular or drawn times, with an optional shared prefix.
 *
 * Rows are made lazily, as a trace with one hash id per engine block. Only equality of ids matters: shared blocks have
 * their group's id, everything private to a turn has one id of its own.
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { defaultSeed, Pcg32 } from "../structures/Pcg32.ts"
import { plainRow, type TraceRow } from "../trace/TraceRow.ts"
import { type ArrivalProcess, arrivalProblem, gapSampler } from "./ArrivalProcess.ts"
import { rowChunks } from "./RowChunks.ts"
import type { SessionTurns } from "./Sessions.ts"
import { maxIds, syntheticKinds } from "./LoadSettings.ts"
import { lengthSampler } from "./TokenLengths.ts"
import type { TokenLengths } from "./TokenLengths.ts"
import { checkConcurrency, checkSpan, checkSpeedup, settingProblem, workloadError } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

/** Requests that are drawn; lengths in tokens, times in ms. */
export interface SyntheticOptions {
  /** Prompt length of every turn. */
  readonly inputTokens: TokenLengths
  readonly outputTokens: TokenLengths
  /** Requests; sessions when there are several turns. */
  readonly requestCount: number
  /** Engine block size, the unit of the shared prefix. */
  readonly blockTokens: number
  /** Distance of two arrivals, 1 by default. */
  readonly arrivalIntervalMs?: number
  /** Arrivals by rate; takes the place of the interval. */
  readonly arrivals?: ArrivalProcess
  readonly turnsPerSession?: number
  /** Share of every prompt's blocks that comes from its group's prefix; takes effect with at least one group. */
  readonly sharedPrefixRatio?: number
  /** Groups of sessions with the same prefix; each session's group is drawn uniformly. */
  readonly prefixGroups?: number
  /** Wait between the end of a turn and the next one. */
  readonly interTurnDelayMs?: number
  /** Of all draws, 42 by default. */
  readonly seed?: number | bigint
  /** Open loop: arrivals and waits are divided by it. */
  readonly arrivalSpeedup?: number
  /** Makes it a closed loop of so many requests, or sessions where a session option is used. */
  readonly concurrency?: number
}

/** Rows that were planned; they are drawn as they are read. */
export interface SyntheticPlan {
  /** Whether the rows are sessions; if not, they are single requests without a session. */
  readonly sessions: boolean
  readonly turnsOf: SessionTurns
  readonly rows: Stream.Stream<TraceRow>
}

/** Each kind of draw has its own stream of random numbers, so that using one does not change the others. */
const randomStreams = { groups: 0, arrivals: 1, inputLengths: 2, outputLengths: 3 }

type Complete = Required<Omit<SyntheticOptions, "arrivals" | "arrivalSpeedup" | "concurrency">>
  & Pick<SyntheticOptions, "arrivals">

const complete = (options: SyntheticOptions): Complete => ({
  arrivalIntervalMs: 1,
  turnsPerSession: 1,
  sharedPrefixRatio: 0,
  prefixGroups: 0,
  interTurnDelayMs: 0,
  seed: defaultSeed,
  ...options
})

const problemOf = (o: Complete): WorkloadError | undefined => {
  const kinds = syntheticKinds
  return (
    settingProblem("input_tokens", kinds.inputTokens, o.inputTokens)
    ?? settingProblem("output_tokens", kinds.outputTokens, o.outputTokens)
    ?? settingProblem("request_count", kinds.requestCount, o.requestCount)
    ?? settingProblem("turns_per_session", kinds.turnsPerSession, o.turnsPerSession)
    ?? settingProblem("arrival_interval_ms", kinds.arrivalIntervalMs, o.arrivalIntervalMs)
    ?? settingProblem("inter_turn_delay_ms", kinds.interTurnDelayMs, o.interTurnDelayMs)
    ?? settingProblem("shared_prefix_ratio", kinds.sharedPrefixRatio, o.sharedPrefixRatio)
    ?? settingProblem("num_prefix_groups", kinds.prefixGroups, o.prefixGroups)
    ?? (o.arrivals === undefined ? undefined : arrivalProblem(o.arrivals))
    ?? sizeProblem(o)
  )
}

const sizeProblem = (o: Complete): WorkloadError | undefined =>
  o.requestCount * o.turnsPerSession + o.prefixGroups > maxIds
    ? workloadError("request_count", `is too large: requests and prefix groups together are limited to ${maxIds}`)
    : undefined

/** Until the last turn would be ready if requests took no time; what is drawn is taken for its mean. */
const spanMs = ({ arrivalIntervalMs, arrivals, interTurnDelayMs, requestCount, turnsPerSession }: Complete): number =>
  requestCount * (arrivals === undefined ? arrivalIntervalMs : 1000 / arrivals.requestsPerSecond)
  + (turnsPerSession - 1) * interTurnDelayMs

/** Says when the next request, or session, starts. */
type Starts = () => number

const startsByRate = (arrivals: ArrivalProcess, seed: number | bigint): Starts => {
  const nextGapMs = gapSampler(arrivals, new Pcg32(seed, randomStreams.arrivals))
  let startMs = Number.NaN
  return () => (startMs = Number.isNaN(startMs) ? 0 : startMs + nextGapMs())
}

/** Requests start at multiples of the interval. */
const requestStarts = (o: Complete): Starts => {
  if (o.arrivals !== undefined) return startsByRate(o.arrivals, o.seed)
  let request = 0
  return () => o.arrivalIntervalMs * request++
}

/**
 * Sessions start at a running sum of the interval. Both divisions and the sum round, and so decide the last bits of every
 * arrival time.
 */
const sessionStarts = (o: Complete): Starts => {
  if (o.arrivals !== undefined) return startsByRate(o.arrivals, o.seed)
  const gapMs = o.arrivalIntervalMs === 0 ? 0 : 1000 / (1000 / o.arrivalIntervalMs)
  let nextMs = 0
  return () => {
    const startMs = nextMs
    nextMs += gapMs
    return startMs
  }
}

/** Makes the rows of turns: lengths drawn, content by its ids. */
class TurnMaker {
  private readonly options: Complete
  private readonly inputLength: () => number
  private readonly outputLength: () => number
  private turns = 0

  constructor(options: Complete) {
    const { inputTokens, outputTokens, seed } = options
    this.options = options
    this.inputLength = lengthSampler(inputTokens, new Pcg32(seed, randomStreams.inputLengths))
    this.outputLength = lengthSampler(outputTokens, new Pcg32(seed, randomStreams.outputLengths))
  }

  next(
    group: number | undefined,
    { delayMs, sessionId, timestampMs }: Pick<TraceRow, "delayMs" | "sessionId" | "timestampMs">
  ): TraceRow {
    const promptTokens = this.inputLength()
    const privateId = this.options.prefixGroups + this.turns++
    return plainRow({
      line: this.turns,
      timestampMs,
      promptTokens,
      outputTokens: this.outputLength(),
      hashIds: this.hashIdsOf(Math.ceil(promptTokens / this.options.blockTokens), group, privateId),
      sessionId,
      delayMs
    })
  }

  /** The shared part is rounded half away from zero. */
  private hashIdsOf(blocks: number, group: number | undefined, privateId: number): Uint32Array {
    const hashIds = new Uint32Array(blocks).fill(privateId)
    return group === undefined ? hashIds : hashIds.fill(group, 0, Math.round(blocks * this.options.sharedPrefixRatio))
  }
}

function* requestRows(o: Complete): Generator<TraceRow> {
  const turns = new TurnMaker(o)
  const nextStart = requestStarts(o)
  for (let request = 0; request < o.requestCount; request++) {
    yield turns.next(undefined, { timestampMs: nextStart(), sessionId: undefined, delayMs: undefined })
  }
}

/** Sessions, each with all its turns in a row. */
function* sessionRows(o: Complete): Generator<TraceRow> {
  const turns = new TurnMaker(o)
  const nextStart = sessionStarts(o)
  const random = new Pcg32(o.seed, randomStreams.groups)
  for (let session = 0; session < o.requestCount; session++) {
    const group = o.prefixGroups === 0 ? undefined : random.below(o.prefixGroups)
    const sessionId = `session_${session}`
    yield turns.next(group, { timestampMs: nextStart(), sessionId, delayMs: undefined })
    for (let turn = 1; turn < o.turnsPerSession; turn++) {
      yield turns.next(group, { timestampMs: undefined, sessionId, delayMs: o.interTurnDelayMs })
    }
  }
}

/** Checks the options and says what rows they make. */
export const planSynthetic = Effect.fnUntraced(function* (
  options: SyntheticOptions
): Effect.fn.Return<SyntheticPlan, WorkloadError> {
  const o = complete(options)
  const problem = problemOf(o)
  if (problem !== undefined) return yield* problem
  if (options.concurrency === undefined) {
    const { arrivalSpeedup = 1 } = options
    yield* checkSpeedup("arrival_speedup_ratio", arrivalSpeedup)
    yield* checkSpan("arrival_speedup_ratio", spanMs(o), arrivalSpeedup)
  } else yield* checkConcurrency(options.concurrency)
  const sessions = o.turnsPerSession > 1 || o.sharedPrefixRatio > 0 || o.prefixGroups > 0 || o.interTurnDelayMs > 0
  const rows = rowChunks(() => (sessions ? sessionRows(o) : requestRows(o)))
  return { sessions, turnsOf: () => o.turnsPerSession, rows }
})
