/**
 * Made-up load: requests or sessions of given lengths at regular intervals, with an optional shared prefix.
 *
 * Rows are made lazily, as a trace with one hash id per engine block. Only equality of ids matters: a shared prefix block
 * has the id of its group and position, everything private to a turn has one id of its own, repeated.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Pcg32 } from "../random/Pcg32.ts"
import { maxTokens } from "../trace/FieldSchemas.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import type { SessionTurns } from "./Sessions.ts"
import { checkConcurrency, checkSpeedup, workloadError } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

export interface SyntheticOptions {
  /** Prompt length of every turn. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** Requests; sessions when there are several turns. */
  readonly requestCount: number
  /** Engine block size, the unit of the shared prefix. */
  readonly blockTokens: number
  /** Distance of two arrivals, 1 by default. */
  readonly arrivalIntervalMs?: number
  readonly turnsPerSession?: number
  /** Share of every prompt's blocks that comes from its group's prefix; takes effect with at least one group. */
  readonly sharedPrefixRatio?: number
  /** Groups of sessions with the same prefix; each session's group is drawn uniformly. */
  readonly prefixGroups?: number
  /** Wait between the end of a turn and the next one. */
  readonly interTurnDelayMs?: number
  /** Of the draw of the groups, 42 by default. */
  readonly seed?: number | bigint
  /** Open loop: arrivals and waits are divided by it. */
  readonly arrivalSpeedup?: number
  /** Makes it a closed loop of so many requests, or sessions where a session option is used. */
  readonly concurrency?: number
}

export interface SyntheticPlan {
  /** Whether the rows are sessions; if not, they are single requests without a session. */
  readonly sessions: boolean
  readonly turnsOf: SessionTurns
  readonly rows: Stream.Stream<TraceRow>
}

const defaultSeed = 42
const maxIds = 2 ** 32
/** Ids per chunk of rows, about: long prompts come in small chunks. */
const idsPerChunk = 1 << 16

type Complete = Required<Omit<SyntheticOptions, "arrivalSpeedup" | "concurrency">>

const complete = (options: SyntheticOptions): Complete => ({
  arrivalIntervalMs: 1,
  turnsPerSession: 1,
  sharedPrefixRatio: 0,
  prefixGroups: 0,
  interTurnDelayMs: 0,
  seed: defaultSeed,
  ...options
})

const isCount = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

const countProblem = (option: string, value: number, most: number): WorkloadError | undefined => {
  if (isCount(value, 1, most)) return undefined
  return workloadError(option, value > most ? `must be at most ${most}, got ${value}` : `must be at least 1, got ${value}`)
}

const durationProblem = (option: string, value: number): WorkloadError | undefined =>
  Number.isFinite(value) && value >= 0
    ? undefined
    : workloadError(option, `must be a finite non-negative number, got ${value}`)

const problemOf = (o: Complete): WorkloadError | undefined => {
  const ratioOk = o.sharedPrefixRatio >= 0 && o.sharedPrefixRatio <= 1
  return countProblem("input_tokens", o.inputTokens, maxTokens) ??
    countProblem("output_tokens", o.outputTokens, maxTokens) ??
    countProblem("request_count", o.requestCount, maxIds) ??
    countProblem("turns_per_session", o.turnsPerSession, maxTokens) ??
    durationProblem("arrival_interval_ms", o.arrivalIntervalMs) ??
    durationProblem("inter_turn_delay_ms", o.interTurnDelayMs) ??
    (ratioOk ? undefined : workloadError("shared_prefix_ratio", `must be between 0.0 and 1.0, got ${o.sharedPrefixRatio}`)) ??
    (isCount(o.prefixGroups, 0, maxIds)
      ? undefined
      : workloadError("num_prefix_groups", `must be an integer from 0 to ${maxIds}, got ${o.prefixGroups}`)) ??
    sizeProblem(o)
}

const sizeProblem = (o: Complete): WorkloadError | undefined => {
  if (o.requestCount * o.turnsPerSession + groupsOf(o) * sharedBlocks(o) > maxIds) {
    return workloadError("request_count", `is too large: requests and shared prefix blocks together are limited to ${maxIds}`)
  }
  return Number.isFinite(o.requestCount * o.arrivalIntervalMs)
    ? undefined
    : workloadError("arrival_interval_ms", `is too large for ${o.requestCount} arrivals, got ${o.arrivalIntervalMs}`)
}

const promptBlocks = (o: Complete): number => Math.ceil(o.inputTokens / o.blockTokens)

/** Shared blocks at the start of every prompt, rounded half away from zero. */
const sharedBlocks = (o: Complete): number => {
  if (o.prefixGroups === 0) return 0
  const blocks = promptBlocks(o)
  return Math.min(blocks, Math.round(blocks * o.sharedPrefixRatio))
}

const groupsOf = (o: Complete): number => sharedBlocks(o) === 0 ? 0 : o.prefixGroups

/** Ids of one turn's prompt: the prefix of its group, then an id that no other turn has. */
const hashIdsOf = (blocks: number, shared: number, group: number, privateId: number): Uint32Array => {
  const ids = new Uint32Array(blocks).fill(privateId)
  for (let block = 0; block < shared; block++) ids[block] = group * shared + block
  return ids
}

const rowOf = (o: Complete, line: number, hashIds: Uint32Array): TraceRow => ({
  line,
  timestampMs: undefined,
  promptTokens: o.inputTokens,
  outputTokens: o.outputTokens,
  hashIds,
  sessionId: undefined,
  delayMs: undefined,
  outputTokenIds: undefined,
  requestId: undefined,
  priority: 0,
  strictPriority: 0,
  policyClass: undefined
})

/** Single requests, the i-th at `i * interval`. */
function* requestRows(o: Complete): Generator<TraceRow> {
  const blocks = promptBlocks(o)
  for (let i = 0; i < o.requestCount; i++) {
    yield { ...rowOf(o, i + 1, hashIdsOf(blocks, 0, 0, i)), timestampMs: i * o.arrivalIntervalMs }
  }
}

/** Sessions, each with all its turns in a row; first arrivals are a running sum of the interval. */
function* sessionRows(o: Complete): Generator<TraceRow> {
  const blocks = promptBlocks(o)
  const shared = sharedBlocks(o)
  const groups = groupsOf(o)
  const random = new Pcg32(o.seed)
  // Both divisions and the running sum round, and so decide the last bits of every arrival time.
  const gapMs = o.arrivalIntervalMs === 0 ? 0 : 1000 / (1000 / o.arrivalIntervalMs)
  let startMs = 0
  let turns = 0
  for (let session = 0; session < o.requestCount; session++) {
    const group = groups === 0 ? 0 : random.below(groups)
    if (session > 0) startMs += gapMs
    for (let turn = 0; turn < o.turnsPerSession; turn++, turns++) {
      yield {
        ...rowOf(o, turns + 1, hashIdsOf(blocks, shared, group, groups * shared + turns)),
        sessionId: `session_${session}`,
        timestampMs: turn === 0 ? startMs : undefined,
        delayMs: turn === 0 ? undefined : o.interTurnDelayMs
      }
    }
  }
}

/** Checks the options and says what rows they make. */
export const planSynthetic = Effect.fnUntraced(function*(
  options: SyntheticOptions
): Effect.fn.Return<SyntheticPlan, WorkloadError> {
  const o = complete(options)
  const problem = problemOf(o)
  if (problem !== undefined) return yield* Effect.fail(problem)
  if (options.concurrency === undefined) yield* checkSpeedup("arrival_speedup_ratio", options.arrivalSpeedup ?? 1)
  else yield* checkConcurrency(options.concurrency)
  const sessions = o.turnsPerSession > 1 || o.sharedPrefixRatio > 0 || o.prefixGroups > 0 || o.interTurnDelayMs > 0
  const chunkSize = Math.max(1, Math.min(1024, Math.floor(idsPerChunk / promptBlocks(o))))
  return {
    sessions,
    turnsOf: () => o.turnsPerSession,
    rows: Stream.suspend(() => Stream.fromIterable(sessions ? sessionRows(o) : requestRows(o), { chunkSize }))
  }
})
