/**
 * A run of ours against a recorded run of the reference: every figure of the report, every per-request line.
 *
 * Differences are returned as text, so that one look shows all of them.
 */
import type { Report } from "../../src/report/Report.ts"
import { wallClockKeys } from "../../src/report/Report.ts"
import { requestLine } from "../../src/report/RequestLines.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import { isClose, isCloseDifference } from "./Assertions.ts"

/** A report file of the reference. */
export type RecordedReport = Readonly<Record<string, number>>

type Value = string | number | null

/** Per-request lines of the reference, a column per field; a field that no line has a value for is left out. */
export type RecordedRequests = Readonly<Record<string, ReadonlyArray<Value>>>

const ignoredKeys: ReadonlySet<string> = new Set(wallClockKeys)

/** Differences of two reports in all keys of the reference but those that depend on real time. */
export const reportDifferences = (actual: Report, expected: RecordedReport): Array<string> => {
  const figures: Readonly<Record<string, unknown>> = actual
  return Object.keys(expected)
    .filter((key) => !ignoredKeys.has(key))
    .flatMap((key) => {
      const [found, wanted] = [figures[key], expected[key]!]
      const mean = key.startsWith("std_") ? (expected[key.replace("std_", "mean_")] ?? 0) : 0
      const same = typeof found === "number" && isClose(found, wanted, Math.max(Math.abs(wanted), Math.abs(mean)))
      return same ? [] : [`${key}: expected ${wanted}, got ${String(found)}`]
    })
}

/** Fields that tell lines apart where arrival times are equal: the reference writes those in random order. */
const orderFields = [
  "arrival_time_ms",
  "input_length",
  "output_length",
  "first_token_ms",
  "last_token_ms",
  "decode_worker_idx",
  "session_id",
  "first_admit_ms",
  "reused_input_tokens"
]

/** A difference of two times carries the rounding of both. */
const differenceFields: ReadonlySet<string> = new Set(["ttst_ms"])

/** A per-request line, parsed. */
export type Line = Readonly<Record<string, Value>>

const ascending = (first: Value | undefined, second: Value | undefined): number => {
  if (typeof first === "number" && typeof second === "number") return isClose(first, second) ? 0 : first - second
  if (typeof first === "string" && typeof second === "string") return first < second ? -1 : first > second ? 1 : 0
  // A time never reached comes last.
  return typeof first === "number" ? -1 : typeof second === "number" ? 1 : 0
}

const sorted = (lines: ReadonlyArray<Line>): Array<Line> =>
  lines.toSorted((a, b) => {
    for (const field of orderFields) {
      const order = ascending(a[field], b[field])
      if (order !== 0) return order
    }
    return 0
  })

const linesOf = (columns: RecordedRequests): Array<Line> => {
  const fields = Object.keys(columns)
  const length = columns["arrival_time_ms"]?.length ?? 0
  return Array.from({ length }, (_, index) =>
    Object.fromEntries(fields.map((field) => [field, columns[field]![index] ?? null]))
  )
}

/** Whether two values of a field agree. */
export const sameField = (field: string, found: Value, wanted: Value): boolean => {
  if (found === wanted) return true
  if (typeof found !== "number" || typeof wanted !== "number") return false
  return differenceFields.has(field) ? isCloseDifference(found, wanted) : isClose(found, wanted)
}

const lineDifferences = (index: number, found: Line, wanted: Line): Array<string> =>
  Object.keys(wanted).flatMap((field) => {
    const actual = found[field] ?? null
    const expected = wanted[field]!
    return sameField(field, actual, expected) ? [] : [`request ${index} ${field}: expected ${expected}, got ${actual}`]
  })

/** Differences in every field that the recording has, over all requests that reached their end. */
export const requestDifferences = (
  records: ReadonlyArray<RequestRecord>,
  expected: RecordedRequests
): Array<string> => {
  const actual = sorted(
    records.filter(({ status }) => status !== "in_flight").map((record): Line => JSON.parse(requestLine(record)))
  )
  const wanted = sorted(linesOf(expected))
  if (actual.length !== wanted.length) return [`expected ${wanted.length} requests with an end, got ${actual.length}`]
  return wanted.flatMap((line, index) => lineDifferences(index, actual[index]!, line))
}

/** Fields of per-request lines that are compared; the rest follow from them or are random. */
const recordedFields = [
  "session_id",
  "turn_index",
  "arrival_time_ms",
  "first_admit_ms",
  "first_token_ms",
  "last_token_ms",
  "ttst_ms",
  "input_length",
  "output_length",
  "reused_input_tokens",
  "prefill_worker_idx",
  "decode_worker_idx",
  "prefill_admit_ms",
  "source_held_ms",
  "destination_reserved_ms",
  "destination_activated_ms",
  "decode_admit_ms",
  "source_released_ms",
  "decode_reused_input_tokens",
  "prefill_route_overlap_tokens",
  "decode_route_overlap_tokens",
  "terminal_status"
]

/** Made up by the reference where the trace gives none. */
const isImplicitSession = (session: Value | undefined): boolean =>
  typeof session === "string" && /^request_\d+$/.test(session)

/** The reference's lines as columns, for storage and comparison. */
export const columnsOf = (lines: ReadonlyArray<Line>): RecordedRequests => {
  const known = lines.map((line) =>
    isImplicitSession(line["session_id"]) ? { ...line, session_id: null, turn_index: null } : line
  )
  return Object.fromEntries(
    recordedFields
      .map((field): readonly [string, ReadonlyArray<Value>] => [field, known.map((line) => line[field] ?? null)])
      .filter(([, values]) => values.some((value) => value !== null))
  )
}

/** A report of the reference without its measures of real time. */
export const figuresOf = (report: RecordedReport): RecordedReport =>
  Object.fromEntries(Object.entries(report).filter(([key]) => !ignoredKeys.has(key)))
