/**
 * A chunk of rows in columns: a third of what the objects take, and nothing in it for a garbage collector to look at.
 *
 *     numbers   line  timestamp  prompt  output  stated  end of its ids │ the next row …
 *     ids       id id id │ id id │ id id id id │ …                        32 bits each
 */
import * as Arr from "effect/Array"
import { isNarrow } from "../request/HashId.ts"
import type { MooncakeRow } from "./MooncakeRow.ts"

const numbersPerRow = 6

/** Has nothing but numbers, all of them, and ids of 32 bits. */
const fits = (row: MooncakeRow): boolean => {
  if (row.timestampMs === undefined || row.statedTokens === undefined) return false
  if (row.sessionId !== undefined || row.delayMs !== undefined || row.requestId !== undefined) return false
  if (row.outputTokenIds !== undefined || row.policyClass !== undefined || row.className !== undefined) return false
  if (row.priority !== 0 || row.strictPriority !== 0 || row.annotations !== undefined) return false
  if (row.clamped !== row.statedTokens > row.promptTokens) return false
  for (let i = 0; i < row.hashIds.length; i++) if (!isNarrow(row.hashIds[i]!)) return false
  return true
}

export class RowColumns {
  private readonly numbers: Float64Array
  private readonly ids: Uint32Array

  /** The chunk in columns; `undefined` where some row has more than fits into them. */
  static of(rows: ReadonlyArray<MooncakeRow>): RowColumns | undefined {
    return rows.every(fits) ? new RowColumns(rows) : undefined
  }

  private constructor(rows: ReadonlyArray<MooncakeRow>) {
    this.numbers = new Float64Array(rows.length * numbersPerRow)
    this.ids = new Uint32Array(rows.reduce((ids, { hashIds }) => ids + hashIds.length, 0))
    let end = 0
    rows.forEach((row, index) => {
      for (let i = 0; i < row.hashIds.length; i++) this.ids[end++] = Number(row.hashIds[i]!)
      const { line, outputTokens, promptTokens, statedTokens = 0, timestampMs = 0 } = row
      this.numbers.set([line, timestampMs, promptTokens, outputTokens, statedTokens, end], index * numbersPerRow)
    })
  }

  /** The rows, made anew; their ids are views into the columns. */
  rows(): Arr.NonEmptyReadonlyArray<MooncakeRow> {
    return Arr.makeBy(this.numbers.length / numbersPerRow, (index) => this.row(index * numbersPerRow))
  }

  private row(at: number): MooncakeRow {
    const { ids, numbers } = this
    const promptTokens = numbers[at + 2]!
    const statedTokens = numbers[at + 4]!
    // In another order than rows that are read: numbers that come from columns are doubles to V8, and in objects of one order it would make
    // doubles of all of them, late, and throw away what it compiled for whole numbers.
    return {
      hashIds: ids.subarray(at === 0 ? 0 : numbers[at - 1]!, numbers[at + 5]!),
      line: numbers[at]!,
      promptTokens,
      outputTokens: numbers[at + 3]!,
      outputTokenIds: undefined,
      timestampMs: numbers[at + 1]!,
      sessionId: undefined,
      delayMs: undefined,
      requestId: undefined,
      priority: 0,
      strictPriority: 0,
      policyClass: undefined,
      className: undefined,
      statedTokens,
      clamped: statedTokens > promptTokens
    }
  }
}
