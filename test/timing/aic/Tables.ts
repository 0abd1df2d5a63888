/** Small hand-made tables for tests of look-ups. */
import * as Effect from "effect/Effect"
import { missingSection, type PerfTables, type RowTable } from "../../../src/timing/aic/PerfTables.ts"
import type { SystemConstants } from "../../../src/timing/aic/SystemConstants.ts"

/** Rows of `[...keys, ms]` under these columns; they must be in ascending order. */
export const rowTable = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<number>>): RowTable => ({
  rows: rows.length,
  columns: Object.fromEntries(columns.map((name, i) => [name, Int32Array.from(rows, (row) => row[i]!)])),
  latencyMs: Float64Array.from(rows, (row) => row[columns.length]!)
})

export const tablesOf = (sections: Readonly<Record<string, RowTable>>): PerfTables => ({
  label: "test tables",
  sectionNames: Object.keys(sections),
  excerpt: false,
  section: (name) => {
    const section = sections[name]
    return section === undefined
      ? Effect.fail(missingSection("test tables", Object.keys(sections), name))
      : Effect.succeed(section)
  }
})

/** A system so fast that no measurement is below what it can do. */
export const fastSystem: SystemConstants = {
  memBandwidthBytesPerS: 1e30,
  memBandwidthScaling: 1,
  memConstantLatencyS: 0,
  memCapacityBytes: 1e12,
  bfloat16Flops: 1e40,
  gpusPerNode: 8,
  intraNodeBytesPerS: 400,
  interNodeBytesPerS: 50,
  ncclMemBytes: { "1": 0 },
  otherMemBytes: 0
}
