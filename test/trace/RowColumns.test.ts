import { describe, expect, it } from "@effect/vitest"
import type { MooncakeRow } from "../../src/trace/MooncakeRow.ts"
import { RowColumns } from "../../src/trace/RowColumns.ts"

const row = (line: number, change: Partial<MooncakeRow> = {}): MooncakeRow => ({
  line,
  promptTokens: 700,
  outputTokens: 5,
  hashIds: [3, 4_294_967_295],
  outputTokenIds: undefined,
  timestampMs: 1000.25,
  sessionId: undefined,
  delayMs: undefined,
  requestId: undefined,
  priority: 0,
  strictPriority: 0,
  policyClass: undefined,
  className: undefined,
  statedTokens: 700,
  clamped: false,
  ...change
})

/** With ids as plain numbers, whatever holds them. */
const plain = (rows: ReadonlyArray<MooncakeRow>) => rows.map((one) => ({ ...one, hashIds: Array.from(one.hashIds) }))

describe("RowColumns", () => {
  it("gives back the rows it was made of, as often as asked", () => {
    const rows = [
      row(1),
      row(2, { hashIds: [], promptTokens: 0, statedTokens: 12, clamped: true, timestampMs: -0.5 }),
      row(9, { hashIds: [0], promptTokens: 512, statedTokens: 513, clamped: true, outputTokens: 2 ** 31 - 1 }),
      row(2 ** 40, { hashIds: [7, 8, 9], promptTokens: 1, statedTokens: 1 })
    ]
    const columns = RowColumns.of(rows)
    expect(plain(columns!.rows())).toEqual(rows)
    expect(plain(columns!.rows())).toEqual(rows)
  })

  it.each<[string, Partial<MooncakeRow>]>([
    ["a session", { sessionId: "a" }],
    ["a delay", { delayMs: 0 }],
    ["no timestamp", { timestampMs: undefined }],
    ["no stated length", { statedTokens: undefined }],
    ["planned outputs", { outputTokenIds: [1, 2, 3, 4, 5] }],
    ["a request id", { requestId: "r" }],
    ["a priority", { priority: -1 }],
    ["a strict priority", { strictPriority: 1 }],
    ["a policy class", { policyClass: "p" }],
    ["a class", { className: "c" }],
    ["annotations", { annotations: { a: 1 } }],
    ["an id of more than 32 bits", { hashIds: [1, 2 ** 32] }],
    ["an id of 64 bits", { hashIds: [2n ** 63n] }],
    ["a prompt cut for another reason", { clamped: true }]
  ])("leaves a chunk alone in which a row has %s", (_, change) => {
    expect(RowColumns.of([row(1), row(2, change)])).toBeUndefined()
  })
})
