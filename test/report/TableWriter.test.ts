/** Tables in every format against rows that are written one value at a time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { parquetMetadata, parquetReadObjects } from "hyparquet"
import type { Column } from "../../src/report/Column.ts"
import type { TableFormat } from "../../src/report/TableFormat.ts"
import { rowAdder, tableWriter } from "../../src/report/TableWriter.ts"

interface Row {
  readonly count: number | null
  readonly ratio: number | null
  readonly name: string | null
  readonly other: number | null
}

const columns: ReadonlyArray<Column<Row>> = [
  { name: "count", type: "integer", of: ({ count }) => count },
  { name: "ratio", type: "number", of: ({ ratio }) => ratio },
  { name: "the name", type: "text", of: ({ name }) => name },
  { name: "other", type: "number", of: ({ other }) => other }
]

/** The file, taken in pieces of so many rows. */
const written = async (format: TableFormat, rows: ReadonlyArray<Row>, rowsPerPiece = 3): Promise<Uint8Array> => {
  const writer = await tableWriter(format, columns)
  const add = rowAdder(writer, columns)
  const pieces: Array<Uint8Array> = []
  rows.forEach((row, index) => {
    add(row)
    // What is taken does not last.
    if (index % rowsPerPiece === 0) pieces.push(writer.take().slice())
  })
  pieces.push(writer.end().slice())
  return new Uint8Array(await new Blob(pieces.map((piece) => new Uint8Array(piece))).arrayBuffer())
}

const textOf = async (format: TableFormat, rows: ReadonlyArray<Row>): Promise<string> =>
  new TextDecoder().decode(await written(format, rows))

const wellFormed = (text: string): string => new TextDecoder().decode(new TextEncoder().encode(text))

const csvField = (value: number | string | null): string => {
  if (typeof value !== "string") return value === null ? "" : String(value)
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

const valuesOf = (row: Row): ReadonlyArray<number | string | null> => columns.map(({ of }) => of(row))

/** Few values, so that rows repeat them. */
const Rows = Schema.Array(
  Schema.Struct({
    count: Schema.NullOr(Schema.Literals([0, 1, 7, 1_099_511_627_776, 9_007_199_254_740_991, -3])),
    ratio: Schema.NullOr(Schema.Union([Schema.Literals([0, 0.1, 1e21, 5e-324]), Schema.Finite])),
    name: Schema.NullOr(
      Schema.Union([Schema.Literals(["", "a", 'say "b", c', "line\nend", "é\u{1f600}"]), Schema.String])
    ),
    other: Schema.NullOr(Schema.Literals([2.5, -1e-7]))
  })
)

const parquetRows = async (rows: ReadonlyArray<Row>) =>
  parquetReadObjects({ file: new Uint8Array(await written("parquet", rows)).buffer })

describe("tables", () => {
  it.effect.prop("have the values of their rows in every format", [Rows], ([rows]) =>
    Effect.promise(async () => {
      const csv = [columns.map(({ name }) => name), ...rows.map((row) => valuesOf(row).map(csvField))]
      assert.strictEqual(await textOf("csv", rows), wellFormed(csv.map((fields) => `${fields.join(",")}\n`).join("")))
      const named = rows.map((row) => Object.fromEntries(valuesOf(row).map((value, at) => [columns[at]!.name, value])))
      assert.strictEqual(
        await textOf("jsonl", rows),
        wellFormed(named.map((row) => `${JSON.stringify(row)}\n`).join(""))
      )
      // Parquet has integers as BigInts, text as UTF-8, and here one zero.
      const stored = rows.map(({ count, name, other, ratio }) => ({
        count: count === null ? null : BigInt(count),
        ratio: ratio === null ? null : ratio + 0,
        "the name": name === null ? null : wellFormed(name),
        other
      }))
      assert.deepStrictEqual(await parquetRows(rows), stored)
    })
  )

  it("hold what is not finite as nothing", async () => {
    const row = { count: null, ratio: Number.NaN, name: null, other: Number.POSITIVE_INFINITY }
    assert.strictEqual((await textOf("csv", [row])).split("\n")[1], ",,,")
    assert.strictEqual((await parquetRows([row]))[0]?.["other"], null)
  })

  it("refuse parts of what is counted", async () => {
    let refusal: unknown = undefined
    await parquetRows([{ count: 1.5, ratio: null, name: null, other: null }]).catch(
      (error: unknown) => (refusal = error)
    )
    assert.instanceOf(refusal, RangeError)
  })

  it("of any length are Parquet files of several row groups, with columns that repeat and columns that do not", async () => {
    const rows = Array.from({ length: 50_001 }, (_, index): Row => ({
      count: index % 5 === 0 ? null : index % 1000,
      ratio: index / 7,
      name: index % 3 === 0 ? `name ${index}` : "same",
      other: 0.5 + (index % 4001)
    }))
    const file = new Uint8Array(await written("parquet", rows, 30_000)).buffer
    const groups = parquetMetadata(file).row_groups.map(({ columns: chunks }) =>
      chunks.map(({ meta_data: meta }) => `${meta?.codec} ${meta?.encodings.at(-1)}`)
    )
    const repeating = "UNCOMPRESSED RLE_DICTIONARY"
    assert.deepStrictEqual(groups[0], [repeating, "UNCOMPRESSED PLAIN", "SNAPPY RLE_DICTIONARY", repeating])
    assert.strictEqual(groups.length, 2)
    const read = await parquetReadObjects({ file })
    assert.strictEqual(read.length, rows.length)
    const wrong = rows.find(({ count, name, other, ratio }, index) => {
      const row = read[index]
      return (
        (count === null ? row?.["count"] !== null : row?.["count"] !== BigInt(count))
        || row?.["ratio"] !== ratio
        || row["the name"] !== name
        || row["other"] !== other
      )
    })
    assert.isUndefined(wrong)
  })
})
