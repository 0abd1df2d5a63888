/**
 * Lines to rows, whatever the format: skips blank lines, reads strict JSON, names file and line of what it refuses.
 *
 * One Effect per batch of lines; everything inside a batch is a plain loop.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LineBatch } from "./LineReader.ts"
import { parseJson, strictObject } from "./JsonLine.ts"
import { mistakeIn } from "./MistakenKeys.ts"
import type { FieldRules, JsonObject } from "./JsonLine.ts"
import { textKind } from "./Recognition.ts"
import { TraceError } from "./TraceError.ts"

/** A row, or why there is none: the line is of no interest, or cannot be used. */
export type RowResult<Row> = { readonly row: Row } | { readonly problem: string } | typeof skipped

export const skipped = { skipped: true } as const

/**
 * Is told of every line that cannot be used, and says whether reading goes on without it. By default it does not: the
 * stream of rows fails. Who lets it go on must not use the rows for more than looking for further problems.
 */
export const OnBadLine = Context.Reference<(problem: TraceError) => boolean>("dynosim/trace/OnBadLine", {
  defaultValue: () => () => false
})

export interface RowFormat<Row> {
  readonly file: string
  readonly rules: FieldRules
  /** The format, as --trace-format names it. */
  readonly readAs: string
  /** Looks at every object, for instance to learn what else it holds. */
  readonly observe?: ((object: JsonObject, line: number) => void) | undefined
  readonly rowOf: (object: JsonObject, line: number) => RowResult<Row>
  /**
   * A quicker way to rows that are beyond doubt, from what `JSON.parse` makes of a line: `undefined`, or what {@link rowOf} says of an object in
   * which {@link observe} has nothing to see.
   */
  readonly ordinaryRow?: ((value: unknown, text: string, line: number) => Row | undefined) | undefined
}

const isBlank = (text: string): boolean => text.trim() === ""

/** The row of a line, `undefined` when it is skipped. What the first line of a file cannot be read for may tell what it is. */
const readLine = <Row>(
  text: string,
  line: number,
  format: RowFormat<Row>,
  isFirst: boolean
): Result.Result<Row | undefined, TraceError> => {
  const value = parseJson(text)
  if (Result.isSuccess(value)) {
    const row = format.ordinaryRow?.(value.success, text, line)
    if (row !== undefined) return Result.succeed(row)
  }
  const object = Result.isSuccess(value)
    ? strictObject(text, value.success, format.rules)
    : Result.fail(`cannot be parsed as JSON: ${value.failure}`)
  if (Result.isSuccess(object)) format.observe?.(object.success, line)
  const result = Result.isFailure(object) ? { problem: object.failure } : format.rowOf(object.success, line)
  if ("row" in result) return Result.succeed(result.row)
  if ("skipped" in result) return Result.succeed(undefined)
  const { problem } = result
  const hint =
    (isFirst ? textKind(text, format.readAs) : undefined)
    ?? (Result.isSuccess(object) ? mistakeIn(object.success, format.rules.known) : undefined)
  return Result.fail(
    new TraceError({ file: format.file, line, problem: hint === undefined ? problem : `${problem}; ${hint}` })
  )
}

/** Rows of the lines, in order; the rows before a bad line are emitted before the failure. */
export const readRows = <Row, R>(
  lines: Stream.Stream<LineBatch, TraceError, R>,
  format: RowFormat<Row>
): Stream.Stream<Row, TraceError, R> =>
  Stream.transformPull(lines, (pull) =>
    Effect.map(OnBadLine, (goesOn) => {
      let failure: TraceError | undefined
      let isFirst = true
      const read = (batches: Arr.NonEmptyReadonlyArray<LineBatch>) => {
        const rows: Array<Row> = []
        for (const { firstLine, texts } of batches) {
          for (let i = 0; i < texts.length; i++) {
            const text = texts[i]!
            if (isBlank(text)) continue
            const result = readLine(text, firstLine + i, format, isFirst)
            isFirst = false
            if (Result.isFailure(result)) {
              if (goesOn(result.failure)) continue
              failure = result.failure
              return emit(rows)
            }
            if (result.success !== undefined) rows.push(result.success)
          }
        }
        return emit(rows)
      }
      const emit = (rows: Array<Row>): Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, TraceError> =>
        Arr.isArrayNonEmpty(rows) ? Effect.succeed(rows) : next
      const pulled: Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, TraceError> = Pull.matchEffect(pull, {
        onSuccess: read,
        onFailure: Effect.failCause,
        onDone: () => Cause.done()
      })
      const next: Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, TraceError> = Effect.suspend(() =>
        failure === undefined ? pulled : Effect.fail(failure)
      )
      return next
    })
  )
