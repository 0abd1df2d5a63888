/** Any table of lengths, by the names of its columns. */
import * as Effect from "effect/Effect"
import { TraceError } from "../TraceError.ts"
import type { OpenForeign } from "./ForeignFormat.ts"
import { openTable } from "./table/OpenTable.ts"
import { tableTrace } from "./TableFormat.ts"

const names = (name: string | undefined): ReadonlyArray<string> => (name === undefined ? [] : [name])

export const openColumns: OpenForeign = (reading) =>
  Effect.gen(function* () {
    const { columns, file } = reading
    const table = yield* openTable(file)
    if (columns === undefined) {
      return yield* new TraceError({
        file,
        problem:
          `is ${table.kind} with the columns ${table.columns.slice(0, 20).join(", ")}; say which are which with`
          + ` --column input_length=... --column output_length=... --column timestamp=... --time-unit ...`
      })
    }
    const unknown = Object.values(columns).find((column) => !table.columns.includes(column))
    if (unknown !== undefined && table.kind !== "JSON Lines") {
      return yield* new TraceError({
        file,
        problem: `has no column ${unknown}; its columns are ${table.columns.slice(0, 20).join(", ")}`
      })
    }
    return yield* tableTrace(
      table,
      {
        title: "--column",
        timestamp: names(columns.timestamp),
        inputTokens: names(columns.input_length),
        outputTokens: names(columns.output_length),
        session: names(columns.session_id),
        classes: [names(columns.class)],
        timeForm: undefined,
        withoutOutput: "refused"
      },
      reading
    )
  })
