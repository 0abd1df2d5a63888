/**
 * Several traces as one, in the order of arrival: a row of each is looked at, and the earliest goes first. What has equal ids in
 * different traces is kept apart, unless it is known to be the same.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { HashId, HashIds } from "../../request/HashId.ts"
import { plainId } from "../../request/HashId.ts"
import { isAgenticRow } from "../AgenticMooncakeReader.ts"
import { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { ArrivalKeys } from "./ArrivalKeys.ts"
import { type EditedTrace, formatOf, refusal } from "./EditedTrace.ts"
import { counted } from "../../settings/Counted.ts"

/** How names of different traces are taken. */
export interface MergeOptions {
  /** Hash ids and sessions that are called the same in different traces are the same. */
  readonly keepsIds: boolean
}

type Traces = Arr.NonEmptyReadonlyArray<TraceSource>

/** What stands against it, if anything. */
const problemOf = ([first, ...others]: Traces): TraceError | undefined => {
  for (const trace of [first, ...others]) {
    const { openLoopProblem } = trace.survey
    if (openLoopProblem !== undefined) return openLoopProblem
  }
  for (const other of others) {
    if (other.traceBlockTokens !== first.traceBlockTokens) {
      return refusal(
        other,
        `has ${counted(other.traceBlockTokens, "token")} per hash id, and ${first.file} has ${first.traceBlockTokens}; only traces with as many can be merged`
      )
    }
    if (formatOf(other) !== formatOf(first)) {
      return refusal(
        other,
        `would be written as ${formatOf(other)}, and ${first.file} as ${formatOf(first)}; only traces of one kind can be merged`
      )
    }
  }
  return undefined
}

/** One more than the largest hash id. */
const idsOf = ({ rows }: TraceSource): Effect.Effect<bigint, TraceError> =>
  Effect.suspend(() => {
    let most = 0
    let wide = 0n
    const addAll = (chunk: ReadonlyArray<TraceRow>): Effect.Effect<void> =>
      Effect.sync(() => {
        for (const { hashIds } of chunk) {
          for (let index = 0; index < hashIds.length; index++) {
            const id = hashIds[index]!
            if (typeof id === "number") most = Math.max(most, id)
            else if (id > wide) wide = id
          }
        }
      })
    return Effect.map(Stream.runForEachArray(rows, addAll), () => 1n + (wide > BigInt(most) ? wide : BigInt(most)))
  })

/** What is added to the ids of each trace, modulo 2^64. Traces with small ids come first, so that as many as possible stay small. */
const offsetsOf = (ranges: ReadonlyArray<bigint>): ReadonlyArray<bigint> => {
  const offsets = ranges.map(() => 0n)
  let used = 0n
  for (const [range, trace] of ranges
    .map((range, trace) => [range, trace] as const)
    .toSorted(([a], [b]) => Number(a - b))) {
    offsets[trace] = used
    used += range
  }
  // Ids of 64 bits are hashes: moved by far different amounts they meet no more often than other hashes do.
  return used <= 2n ** 64n ? offsets : ranges.map((_, index) => BigInt.asUintN(64, BigInt(index) * 0x9e3779b97f4a7c15n))
}

const movedId = (id: HashId, offset: bigint): HashId => {
  const sum = typeof id === "number" && offset <= Number.MAX_SAFE_INTEGER ? id + Number(offset) : Number.NaN
  return Number.isSafeInteger(sum) ? sum : plainId(BigInt.asUintN(64, BigInt(id) + offset))
}

const movedIds = (hashIds: HashIds, offset: bigint): HashIds =>
  offset === 0n ? hashIds : Array.from(hashIds, (id) => movedId(id, offset))

/** The rows of one of the traces under names that no other has. */
const renamed = (row: TraceRow, trace: number, offset: bigint, keepsSessions: boolean): TraceRow => {
  const own = (name: string): string => `${trace + 1}/${name}`
  return {
    ...row,
    hashIds: movedIds(row.hashIds, offset),
    sessionId: row.sessionId === undefined || keepsSessions ? row.sessionId : own(row.sessionId),
    requestId: row.requestId === undefined ? undefined : own(row.requestId),
    ...(isAgenticRow(row) ? { waitFor: row.waitFor.map(own) } : {})
  }
}

/** A trace that is being merged: the rows that have been read and not yet passed on. */
class Source {
  private readonly keys: ArrivalKeys
  private readonly rename: (row: TraceRow) => TraceRow
  private chunk: ReadonlyArray<TraceRow> = []
  private next = 0
  ended = false
  /** Of the row that is to come next. */
  key = Number.NEGATIVE_INFINITY
  /** That row is not in the order of arrivals. */
  problem: TraceError | undefined

  constructor(trace: TraceSource, rename: (row: TraceRow) => TraceRow) {
    this.keys = new ArrivalKeys(trace)
    this.rename = rename
  }

  get needsRows(): boolean {
    return !this.ended && this.next === this.chunk.length
  }

  push(chunk: ReadonlyArray<TraceRow>): void {
    this.chunk = chunk
    this.next = 0
    this.look()
  }

  end(): void {
    this.ended = true
    this.key = Number.POSITIVE_INFINITY
  }

  take(): TraceRow {
    const row = this.rename(this.chunk[this.next++]!)
    this.look()
    return row
  }

  private look(): void {
    const row = this.chunk[this.next]
    if (row === undefined) return
    const key = this.keys.of(row)
    if (key instanceof TraceError) this.problem = key
    else this.key = key
  }
}

/** Of equally early rows that of the first trace. */
const earliest = (sources: ReadonlyArray<Source>): Source | undefined => {
  let found: Source | undefined
  for (const source of sources) if (!source.ended && (found === undefined || source.key < found.key)) found = source
  return found
}

const rowsPerChunk = 1024

/** As many rows as can be told apart before one of the sources has to read on. */
const gather = (sources: ReadonlyArray<Source>): ReadonlyArray<TraceRow> => {
  const rows: Array<TraceRow> = []
  while (rows.length < rowsPerChunk && !sources.some(({ needsRows, problem }) => needsRows || problem !== undefined)) {
    const source = earliest(sources)
    if (source === undefined) break
    rows.push(source.take())
  }
  return rows
}

type RowPull = Pull.Pull<Arr.NonEmptyReadonlyArray<TraceRow>, TraceError>

const mergedRows = (
  traces: Traces,
  rename: (row: TraceRow, trace: number) => TraceRow
): Stream.Stream<TraceRow, TraceError> =>
  Stream.scoped(
    Stream.fromPull(
      Effect.gen(function* () {
        const sources: Array<readonly [Source, RowPull]> = []
        for (const [index, trace] of traces.entries()) {
          sources.push([new Source(trace, (row) => rename(row, index)), yield* Stream.toPull(trace.rows)])
        }
        const all = sources.map(([source]) => source)
        const fill = ([source, pull]: readonly [Source, RowPull]): Effect.Effect<void, TraceError> =>
          Pull.matchEffect(pull, {
            onSuccess: (chunk) => Effect.sync(() => source.push(chunk)),
            onFailure: Effect.failCause,
            onDone: () => Effect.sync(() => source.end())
          })
        const next: RowPull = Effect.suspend(() => {
          const problem = all.find((source) => source.problem !== undefined)?.problem
          if (problem !== undefined) return Effect.fail(problem)
          const rows = gather(all)
          if (Arr.isReadonlyArrayNonEmpty(rows)) return Effect.succeed(rows)
          const empty = sources.filter(([source]) => source.needsRows)
          return empty.length === 0
            ? Cause.done()
            : Effect.andThen(Effect.forEach(empty, fill, { discard: true }), next)
        })
        return next
      })
    )
  )

/** The traces as one. An extra pass over each finds out which hash ids it uses. */
export const merge = Effect.fnUntraced(function* (
  traces: Traces,
  { keepsIds }: MergeOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const problem = problemOf(traces)
  if (problem !== undefined) return yield* problem
  const ranges = keepsIds ? traces.map(() => 0n) : yield* Effect.forEach(traces, idsOf)
  const offsets = offsetsOf(ranges)
  const [first] = traces
  return {
    file: traces.map(({ file }) => file).join(", "),
    format: formatOf(first),
    traceBlockTokens: first.traceBlockTokens,
    rows: mergedRows(traces, (row, trace) => renamed(row, trace, offsets[trace] ?? 0n, keepsIds))
  }
})
