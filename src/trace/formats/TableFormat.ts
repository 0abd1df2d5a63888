/** Tables of requests: which columns hold what, and how a record becomes a row. */
import * as Effect from "effect/Effect"
import { counted } from "../../settings/Counted.ts"
import { TraceError } from "../TraceError.ts"
import { plainRow, type TraceRow } from "../TraceRow.ts"
import { shownCell, textOf, tokensOf, TraceClock, type TimeForm } from "./Cells.ts"
import { defaultForeignBlockTokens, type ForeignReading, type ForeignTrace, type OpenForeign } from "./ForeignFormat.ts"
import { MadeUpPrompts } from "./MadeUpPrompts.ts"
import { openTable } from "./table/OpenTable.ts"
import type { Cells, Table } from "./table/Table.ts"

/** Names that a column may have; upper and lower case are the same. */
type Names = ReadonlyArray<string>

export interface TableMapping {
  /** What messages call the format. */
  readonly title: string
  /** Without one: for fixed concurrency only. */
  readonly timestamp: Names
  readonly inputTokens: Names
  readonly outputTokens: Names
  readonly session?: Names
  /** What says the class of a request, several columns together. */
  readonly classes?: ReadonlyArray<Names>
  /** Carried along into the per-request lines, by the name that they get there. */
  readonly annotations?: Readonly<Record<string, Names>>
  /** Of timestamps that are numbers; none when only the user can know. */
  readonly timeForm: TimeForm | undefined
  /** Requests that generated nothing: left out and counted, or refused. */
  readonly withoutOutput: "left out" | "refused"
}

/** Columns of a table in the places that a mapping gives them. */
interface Places {
  readonly columns: ReadonlyArray<string>
  readonly timestamp: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly session: number
  readonly classes: ReadonlyArray<number>
  readonly annotations: ReadonlyArray<readonly [name: string, place: number]>
}

const placesOf = (table: Table, mapping: TableMapping, file: string): Places | TraceError => {
  const byLowerCase = new Map(table.columns.map((column) => [column.toLowerCase(), column]))
  const columns: Array<string> = []
  const place = (names: Names): number => {
    // A JSON row may have keys that the first one lacks, so the first name is good enough there.
    const fallback = table.kind === "JSON Lines" ? names[0] : undefined
    const column = names.map((name) => byLowerCase.get(name.toLowerCase())).find((found) => found !== undefined)
    const found = column ?? fallback
    return found === undefined ? -1 : columns.push(found) - 1
  }
  const found: Places = {
    columns,
    timestamp: place(mapping.timestamp),
    inputTokens: place(mapping.inputTokens),
    outputTokens: place(mapping.outputTokens),
    session: place(mapping.session ?? []),
    classes: (mapping.classes ?? []).map(place).filter((at) => at >= 0),
    annotations: Object.entries(mapping.annotations ?? {})
      .map(([name, names]) => [name, place(names)] as const)
      .filter(([, at]) => at >= 0)
  }
  const missing =
    found.inputTokens < 0 ? mapping.inputTokens : found.outputTokens < 0 ? mapping.outputTokens : undefined
  if (missing === undefined) return found
  return new TraceError({
    file,
    problem:
      `has no column ${missing.join(" or ")}, which ${mapping.title} needs; its columns are`
      + ` ${table.columns.slice(0, 20).join(", ")}`
  })
}

/** Records to rows, for one run. */
class RowMaker {
  private readonly places: Places
  private readonly mapping: TableMapping
  private readonly reading: ForeignReading
  private readonly clock: TraceClock
  private readonly prompts: MadeUpPrompts
  private readonly file: string
  leftOut = 0

  constructor(places: Places, mapping: TableMapping, reading: ForeignReading, blockTokens: number) {
    this.places = places
    this.mapping = mapping
    this.reading = reading
    this.file = reading.file
    this.clock = new TraceClock(reading.timeUnit ?? mapping.timeForm)
    this.prompts = new MadeUpPrompts(blockTokens, reading.prefixes, reading.seed)
  }

  /** Nothing for a record that is left out. */
  rowOf(cells: Cells, line: number): TraceRow | TraceError | undefined {
    const { places } = this
    const promptTokens = tokensOf(cells[places.inputTokens])
    const outputTokens = tokensOf(cells[places.outputTokens])
    if (promptTokens === undefined) return this.refused(line, places.inputTokens, cells, "a number of tokens")
    if (outputTokens === undefined) return this.refused(line, places.outputTokens, cells, "a number of tokens")
    // Also of requests that are left out: the first of the file is time 0.
    const timestampMs = places.timestamp < 0 ? undefined : this.clock.read(cells[places.timestamp])
    if (typeof timestampMs === "string") {
      return this.error(line, `${places.columns[places.timestamp]}: ${timestampMs}`)
    }
    if (outputTokens === 0 && this.mapping.withoutOutput === "left out") {
      this.leftOut += 1
      return undefined
    }
    if (outputTokens === 0) return this.refused(line, places.outputTokens, cells, "at least one token")
    if (promptTokens === 0) return this.refused(line, places.inputTokens, cells, "at least one token")
    return this.row(line, cells, { timestampMs, promptTokens, outputTokens })
  }

  private row(
    line: number,
    cells: Cells,
    lengths: Pick<TraceRow, "timestampMs" | "promptTokens" | "outputTokens">
  ): TraceRow {
    const { places, prompts } = this
    const { outputTokens, promptTokens } = lengths
    const session = places.session < 0 ? undefined : textOf(cells[places.session])
    const hashIds =
      session === undefined
        ? prompts.single(promptTokens, outputTokens)
        : prompts.next(session, promptTokens, outputTokens)
    const waits = this.reading.sessionTurns === "wait"
    return plainRow({
      line,
      ...lengths,
      hashIds,
      sessionId: waits ? session : undefined,
      className: this.classOf(cells),
      annotations: this.annotationsOf(cells, waits ? undefined : session)
    })
  }

  private classOf(cells: Cells): string | undefined {
    const { classes } = this.places
    if (classes.length === 0) return undefined
    const named = classes.map((place) => textOf(cells[place])).filter((text) => text !== undefined)
    return named.length === 0 ? undefined : named.join(", ")
  }

  private annotationsOf(cells: Cells, session: string | undefined): Readonly<Record<string, unknown>> | undefined {
    const { annotations } = this.places
    if (annotations.length === 0 && session === undefined) return undefined
    const found: Record<string, unknown> = session === undefined ? {} : { session }
    for (const [name, place] of annotations) {
      const cell = cells[place]
      if (cell === undefined || cell === "") continue
      found[name] = typeof cell === "bigint" ? Number(cell) : cell
    }
    return found
  }

  private refused(line: number, place: number, cells: Cells, expected: string): TraceError {
    return this.error(line, `${this.places.columns[place]}: expected ${expected}, got ${shownCell(cells[place])}`)
  }

  private error(line: number, problem: string): TraceError {
    return new TraceError({ file: this.file, line, problem })
  }
}

/** How a file of the mapping is opened. */
export const openTableFormat =
  (mapping: TableMapping): OpenForeign =>
  (reading) =>
    Effect.gen(function* () {
      const table = yield* openTable(reading.file)
      return yield* tableTrace(table, mapping, reading)
    })

export const tableTrace = Effect.fnUntraced(function* (table: Table, mapping: TableMapping, reading: ForeignReading) {
  const places = placesOf(table, mapping, reading.file)
  if (places instanceof TraceError) return yield* places
  const blockTokens = reading.traceBlockTokens ?? defaultForeignBlockTokens
  let latest: RowMaker | undefined
  const rows = table.read(places.columns, () => {
    const maker = new RowMaker(places, mapping, reading, blockTokens)
    latest = maker
    return (cells, line) => maker.rowOf(cells, line)
  })
  const trace: ForeignTrace = {
    traceBlockTokens: blockTokens,
    accumulatesPrompts: false,
    isGraph: false,
    rows,
    notices: () =>
      latest === undefined || latest.leftOut === 0
        ? []
        : [`left out: ${counted(latest.leftOut, "request")} without output`]
  }
  return trace
})
