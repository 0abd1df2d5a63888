/** JSON Lines as a table: columns are keys, those of inner objects with dots between (`usage.prompt_tokens`). */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { isJsonObject, type FieldRules, type JsonObject } from "../../JsonLine.ts"
import type { LineBatch } from "../../LineReader.ts"
import { readRows } from "../../RowReader.ts"
import { TraceError } from "../../TraceError.ts"
import { readPieces, type Table } from "./Table.ts"

const noRules: FieldRules = { known: new Set(), integers: new Set() }

const namesOf = (object: JsonObject, prefix = ""): ReadonlyArray<string> =>
  Object.entries(object).flatMap(([key, value]) =>
    isJsonObject(value) ? namesOf(value, `${prefix}${key}.`) : [`${prefix}${key}`]
  )

const lookUp = (object: JsonObject, path: ReadonlyArray<string>): unknown => {
  let value: unknown = object
  for (const key of path) value = isJsonObject(value) ? value[key] : undefined
  return value === null ? undefined : value
}

/** A column may be a key with dots in it, or lead into inner objects. */
const cellOf = (object: JsonObject, name: string, path: ReadonlyArray<string>): unknown =>
  Object.hasOwn(object, name) ? (object[name] ?? undefined) : lookUp(object, path)

/** Opens JSON Lines by their lines. The columns are those of the first object; later ones may have others. */
export const jsonTable = (
  lines: Stream.Stream<LineBatch, TraceError>,
  file: string
): Effect.Effect<Table, TraceError> => {
  const objects = readRows<{ readonly object: JsonObject; readonly line: number }, never>(lines, {
    file,
    rules: noRules,
    readAs: "columns",
    rowOf: (object, line) => ({ row: { object, line } })
  })
  return Effect.flatMap(Stream.runHead(objects), (head) =>
    head._tag === "None"
      ? Effect.fail(new TraceError({ file, problem: "holds no requests" }))
      : Effect.succeed({
          kind: "JSON Lines",
          columns: namesOf(head.value.object),
          read: (wanted, make) => {
            const paths = wanted.map((name) => name.split("."))
            return readPieces(
              objects,
              ({ line, object }, use) =>
                use(
                  wanted.map((name, index) => cellOf(object, name, paths[index]!)),
                  line
                ),
              make
            )
          }
        })
  )
}
