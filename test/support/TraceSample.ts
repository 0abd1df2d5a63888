/** A long run's per-request lines in brief: sums over all of them, and some of them whole. */
import { requestLine } from "../../src/report/RequestLines.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import { isClose } from "./Assertions.ts"
import { columnsOf, type Line, type RecordedRequests, sameField } from "./Comparison.ts"

export interface TraceSample {
  readonly requests: number
  /** Of every time and count, over all requests. */
  readonly sums: Readonly<Record<string, number>>
  /** Every fiftieth of those that arrival and lengths tell from all others. */
  readonly sample: RecordedRequests
}

const summedFields = [
  "first_admit_ms",
  "first_token_ms",
  "last_token_ms",
  "ttst_ms",
  "input_length",
  "output_length",
  "reused_input_tokens",
  "decode_worker_idx"
]
const sampledEvery = 50

const keyOf = (line: Line): string =>
  ["arrival_time_ms", "input_length", "output_length"].map((field) => String(line[field]).padStart(24)).join()

const distinct = (lines: ReadonlyArray<Line>): Array<Line> => {
  const byKey = new Map<string, Line | undefined>()
  for (const line of lines) byKey.set(keyOf(line), byKey.has(keyOf(line)) ? undefined : line)
  return [...byKey.keys()]
    .toSorted()
    .map((key) => byKey.get(key))
    .filter((line) => line !== undefined)
}

const sumOf = (lines: ReadonlyArray<Line>, field: string): number =>
  lines.reduce((sum, line) => sum + Number(line[field] ?? 0), 0)

export const sampleOf = (lines: ReadonlyArray<Line>): TraceSample => ({
  requests: lines.length,
  sums: Object.fromEntries(summedFields.map((field) => [field, sumOf(lines, field)])),
  sample: columnsOf(distinct(lines).filter((_, index) => index % sampledEvery === 0))
})

/** Everything in which our records differ from a recorded sample. Worker indexes are compared where the recording has them. */
export const sampleDifferences = (records: ReadonlyArray<RequestRecord>, expected: TraceSample): Array<string> => {
  const actual = sampleOf(records.map((record): Line => JSON.parse(requestLine(record))))
  const counts =
    actual.requests === expected.requests ? [] : [`expected ${expected.requests} requests, got ${actual.requests}`]
  const sums = Object.entries(expected.sums).flatMap(([field, sum]) =>
    isClose(actual.sums[field]!, sum) ? [] : [`sum of ${field}: expected ${sum}, got ${actual.sums[field]}`]
  )
  const sample = Object.entries(expected.sample).flatMap(([field, values]) =>
    values.flatMap((value, index) => {
      const found = actual.sample[field]?.[index] ?? null
      return sameField(field, found, value) ? [] : [`sample ${index} ${field}: expected ${value}, got ${found}`]
    })
  )
  return [...counts, ...sums, ...sample]
}
