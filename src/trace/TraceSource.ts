/**
 * A trace ready to be replayed: checked whole, described by its survey, and readable again from the start. The one place
 * that knows all formats.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { counted } from "../settings/Counted.ts"
import { defaultSeed } from "../structures/Pcg32.ts"
import { freshPrefixes } from "./formats/PrefixModel.ts"
import { agenticMooncakeRows, agenticRules } from "./AgenticMooncakeReader.ts"
import type { ReadAgenticRow } from "./AgenticMooncakeReader.ts"
import { surveyAgentic } from "./AgenticSurvey.ts"
import { appliedComputeRows } from "./AppliedComputeReader.ts"
import { dynamoRecords } from "./DynamoReader.ts"
import { loadDynamoTrace } from "./DynamoTrace.ts"
import type { ForeignReading } from "./formats/ForeignFormat.ts"
import type { ForeignFormatName } from "./formats/Registry.ts"
import { defaultTraceBlockTokens, maxTokens } from "./FieldSchemas.ts"
import { lineBatches } from "./LineReader.ts"
import { mooncakeRows, mooncakeRules } from "./MooncakeReader.ts"
import type { MooncakeRow } from "./MooncakeReader.ts"
import type { RowReading, TimeUnit } from "./MooncakeFields.ts"
import type { RequestGraph } from "./RequestGraph.ts"
import { RowColumns } from "./RowColumns.ts"
import { RowMemory } from "./RowMemory.ts"
import { TraceChecks } from "./TraceChecks.ts"
import { TraceError } from "./TraceError.ts"
import { traceFormats } from "./TraceFormat.ts"
import { openTraceFile } from "./TraceFile.ts"
import type { TraceRow } from "./TraceRow.ts"
import { surveyRows } from "./TraceSurvey.ts"
import type { TraceSurvey } from "./TraceSurvey.ts"

/** A trace that was read through once and checked; its rows can be had again and again. */
export interface TraceSource {
  /** File as the user named it, `-` for standard input; the first of several. */
  readonly file: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  readonly survey: TraceSurvey
  /** A row holds only what its turn adds to the prompt of its session. */
  readonly accumulatesPrompts: boolean
  /** Which request waits for which, where the trace says so; without it the order of turns in a session decides. */
  readonly graph: RequestGraph | undefined
  /** What the user should know: what was cut, and signs that the rows are not what they are read as. */
  readonly notices: ReadonlyArray<string>
  /** What else is worth a word: what it was taken for, left out or made up. */
  readonly remarks: ReadonlyArray<string>
  /** The rows, in the same order at every run. */
  readonly rows: Stream.Stream<TraceRow, TraceError>
}

/** Formats that ai-dynamo replays. */
export type NativeFormat = "mooncake" | "mooncake-delta" | "agentic_mooncake" | "applied_compute_agentic" | "dynamo"

/** `auto`: told by the content of the file. */
export type TraceFormat = NativeFormat | ForeignFormatName | "auto"

/** A Mooncake trace, and how its rows are to be read. */
export interface MooncakeOptions extends RowReading {
  /** Path, or `-` for standard input. */
  readonly file: string
}

type Opened = Effect.Effect<TraceSource, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope>

const checkBlockTokens = (file: string, traceBlockTokens: number): Effect.Effect<void, TraceError> => {
  if (Number.isInteger(traceBlockTokens) && traceBlockTokens >= 1 && traceBlockTokens <= maxTokens) return Effect.void
  const problem =
    traceBlockTokens > maxTokens
      ? `trace_block_size must be at most ${maxTokens}, got ${traceBlockTokens}`
      : `trace_block_size must be greater than 0, got ${traceBlockTokens}`
  return Effect.fail(new TraceError({ file, problem }))
}

/** Lines of a file; the scope keeps the copy of an input that can be read only once. */
const openLines = Effect.fnUntraced(function* (file: string, traceBlockTokens: number) {
  yield* checkBlockTokens(file, traceBlockTokens)
  const { bytes } = yield* openTraceFile(file)
  return lineBatches(bytes, file)
})

const clampedNotices = ({ clampedRows }: TraceSurvey): ReadonlyArray<string> =>
  clampedRows === 0
    ? []
    : [`${counted(clampedRows, "request")} with more prompt tokens than hash_ids supply: cut to what there is`]

const openMooncakeRows = Effect.fnUntraced(function* (
  { file, ...reading }: MooncakeOptions,
  format: "mooncake" | "mooncake-delta"
) {
  const { traceBlockTokens } = reading
  const lines = yield* openLines(file, traceBlockTokens)
  const checks = new TraceChecks({ traceBlockTokens, format, known: mooncakeRules.known })
  const memory = new RowMemory<MooncakeRow>(RowColumns.of)
  const first = memory.watch(checks.watch(mooncakeRows(lines, file, reading, checks.object)))
  const survey = yield* surveyRows(first, file, (row) => row.clamped)
  const rows = memory.replay(mooncakeRows(lines, file, reading))
  const notices = [...clampedNotices(survey), ...(yield* checks.notices(rows))]
  return { file, traceBlockTokens, survey, accumulatesPrompts: false, graph: undefined, notices, remarks: [], rows }
})

/** Opens and checks a `mooncake` file. */
export const openMooncake = (options: MooncakeOptions): Opened => openMooncakeRows(options, "mooncake")

/** Rows that a program makes. */
export interface RowsOptions<Row extends TraceRow> {
  /** Rows that come again from the start at every run. */
  readonly rows: Stream.Stream<Row, TraceError>
  /** What error messages call them. */
  readonly name: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
}

/** Checks rows that a program makes, so that they can be replayed like a file. */
export const fromRows: <Row extends TraceRow>(options: RowsOptions<Row>) => Effect.Effect<TraceSource, TraceError> =
  Effect.fnUntraced(function* ({ name, rows, traceBlockTokens }) {
    yield* checkBlockTokens(name, traceBlockTokens)
    const survey = yield* surveyRows(rows, name, () => false)
    return {
      file: name,
      traceBlockTokens,
      survey,
      accumulatesPrompts: false,
      graph: undefined,
      notices: [],
      remarks: [],
      rows
    }
  })

/** Opens and checks a `mooncake-delta` file: rows hold what their turn adds to the prompt of the session. */
export const openMooncakeDelta = (options: MooncakeOptions): Opened =>
  Effect.map(openMooncakeRows(options, "mooncake-delta"), (source) => ({
    ...source,
    accumulatesPrompts: source.survey.multiTurn
  }))

/** Opens and checks an `agentic_mooncake` file. */
export const openAgenticMooncake: (options: MooncakeOptions) => Opened = Effect.fnUntraced(function* ({
  file,
  ...reading
}) {
  const { traceBlockTokens } = reading
  const lines = yield* openLines(file, traceBlockTokens)
  const checks = new TraceChecks({ traceBlockTokens, format: "agentic_mooncake", known: agenticRules.known })
  const memory = new RowMemory<ReadAgenticRow>()
  const first = memory.watch(checks.watch(agenticMooncakeRows(lines, file, reading, checks.object)))
  const { graph, survey } = yield* surveyAgentic(first, file)
  const rows = memory.replay(agenticMooncakeRows(lines, file, reading))
  const notices = yield* checks.notices(rows)
  return { file, traceBlockTokens, survey, accumulatesPrompts: false, graph, notices, remarks: [], rows }
})

/** A trace of Applied Compute's format, which has lengths only. */
export interface AppliedComputeTrace {
  /** Path, or `-` for standard input. */
  readonly file: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** Share of each session's first prompt that comes from its group's prefix, 0 by default. */
  readonly sharedPrefixRatio?: number
  /** Groups with a prefix each, 0 by default. */
  readonly prefixGroups?: number
}

const checkSharing = (file: string, ratio: number, groups: number): Effect.Effect<void, TraceError> => {
  const problem = !(ratio >= 0 && ratio <= 1)
    ? `shared_prefix_ratio must be between 0.0 and 1.0, got ${ratio}`
    : `num_prefix_groups must be an integer from 0 to ${maxTokens}, got ${groups}`
  const fine = ratio >= 0 && ratio <= 1 && Number.isInteger(groups) && groups >= 0 && groups <= maxTokens
  return fine ? Effect.void : Effect.fail(new TraceError({ file, problem }))
}

/** Opens and checks an `applied_compute_agentic` file. */
export const openAppliedCompute: (options: AppliedComputeTrace) => Opened = Effect.fnUntraced(function* ({
  file,
  prefixGroups = 0,
  sharedPrefixRatio = 0,
  traceBlockTokens
}) {
  yield* checkSharing(file, sharedPrefixRatio, prefixGroups)
  const lines = yield* openLines(file, traceBlockTokens)
  const rows = appliedComputeRows(lines, file, { traceBlockTokens, sharedPrefixRatio, prefixGroups })
  const memory = new RowMemory<TraceRow>()
  const survey = yield* surveyRows(memory.watch(rows), file, () => false)
  const problem =
    "trace_format='applied_compute_agentic' requires replay_concurrency because source traces do not contain"
    + " first-turn timestamps"
  return {
    file,
    traceBlockTokens,
    survey: { ...survey, openLoopProblem: new TraceError({ file, problem }) },
    accumulatesPrompts: false,
    graph: undefined,
    notices: [],
    remarks: [],
    rows: memory.replay(rows)
  }
})

/** Request traces that the Dynamo front end wrote. */
export interface DynamoOptions {
  /** Paths, read as one stream in this order. */
  readonly files: readonly [string, ...ReadonlyArray<string>]
  /** Tokens per hash; taken from the records, which it must agree with when it is given. */
  readonly traceBlockTokens?: number
}

/** Opens and reads Dynamo request traces; they are held in memory, because they must be sorted. */
export const openDynamo: (options: DynamoOptions) => Opened = Effect.fnUntraced(function* ({
  files,
  traceBlockTokens
}) {
  const [file] = files
  if (traceBlockTokens !== undefined) yield* checkBlockTokens(file, traceBlockTokens)
  const parts = yield* Effect.forEach(files, (name) =>
    Effect.map(openTraceFile(name), ({ bytes }) => {
      const lines = lineBatches(bytes, name)
      return dynamoRecords(lines, name)
    })
  )
  const trace = yield* loadDynamoTrace(Stream.flatten(Stream.fromIterable(parts)), file)
  if (traceBlockTokens !== undefined && traceBlockTokens !== trace.traceBlockTokens) {
    const problem =
      `trace_block_size ${traceBlockTokens} does not match embedded Dynamo request trace block size`
      + ` ${trace.traceBlockTokens}`
    return yield* new TraceError({ file, problem })
  }
  return { file, accumulatesPrompts: false, notices: [], remarks: [], ...trace }
})

/** What {@link openTrace} needs to know; options that do not belong to the format are not looked at. */
export interface TraceOptions {
  readonly format: TraceFormat
  /** Paths, `-` for standard input; several for Dynamo request traces only. */
  readonly files: readonly [string, ...ReadonlyArray<string>]
  /** 512 by default; Dynamo request traces bring their own. */
  readonly traceBlockTokens?: number
  /** Of timestamps and delays in the `mooncake` formats, `ms` by default. */
  readonly timeUnit?: TimeUnit
  readonly sharedPrefixRatio?: number
  readonly prefixGroups?: number
  /** How formats of somebody else are to be read, see {@link ForeignReading}. */
  readonly foreign?: Partial<ForeignReading>
}

export { defaultTraceBlockTokens }

const isNative = (format: string): format is NativeFormat =>
  ["mooncake", "mooncake-delta", "agentic_mooncake", "applied_compute_agentic", "dynamo"].includes(format)

// Formats of somebody else, and telling them apart, are loaded by the runs that read them.
const foreignTraces = Effect.promise(() => import("./formats/OpenForeignTrace.ts"))
const detection = Effect.promise(() => import("./formats/Detection.ts"))

const isKnown = (format: string): format is NativeFormat | ForeignFormatName =>
  format !== "auto" && traceFormats.some((name) => name === format)

const openDetected = Effect.fnUntraced(function* (options: TraceOptions) {
  const [file] = options.files
  const { detectFormat } = yield* detection
  const { format, what } = yield* detectFormat(file)
  if (!isKnown(format)) return yield* new TraceError({ file, problem: `looks like ${what}` })
  const trace = yield* openTrace({ ...options, format })
  return { ...trace, remarks: [`looks like ${what}, and is read as ${format}`, ...trace.remarks] }
})

/** Opens and checks a trace of any format. The scope keeps copies of inputs that can be read only once. */
export const openTrace = (options: TraceOptions): Opened => {
  const {
    files: [file, ...others],
    format,
    prefixGroups = 0,
    sharedPrefixRatio = 0
  } = options
  if (format !== "dynamo" && others.length > 0) {
    return Effect.fail(
      new TraceError({ file, problem: `a trace of the format ${format} is one file, not ${others.length + 1}` })
    )
  }
  if (format === "auto") return openDetected(options)
  const { timeUnit } = options
  if (!isNative(format)) {
    return Effect.flatMap(foreignTraces, ({ openForeignTrace }) =>
      openForeignTrace(format, {
        columns: undefined,
        prefixes: freshPrefixes,
        seed: defaultSeed,
        sessionTurns: undefined,
        defaultOutputTokens: undefined,
        textBytesPerToken: undefined,
        ...options.foreign,
        file,
        timeUnit,
        traceBlockTokens: options.traceBlockTokens
      })
    )
  }
  const traceBlockTokens = options.traceBlockTokens ?? defaultTraceBlockTokens
  const reading = { traceBlockTokens, ...(timeUnit === undefined ? {} : { timeUnit }) }
  switch (format) {
    case "mooncake":
      return openMooncake({ file, ...reading })
    case "mooncake-delta":
      return openMooncakeDelta({ file, ...reading })
    case "agentic_mooncake":
      return openAgenticMooncake({ file, ...reading })
    case "applied_compute_agentic":
      return openAppliedCompute({ file, traceBlockTokens, sharedPrefixRatio, prefixGroups })
    case "dynamo":
      return openDynamo(options)
  }
}
