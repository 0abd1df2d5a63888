/** What is known of a trace, for people and for programs. */
import type { TraceFormat } from "../trace/TraceFormat.ts"
import type {
  ArrivalStatistics,
  LengthStatistics,
  SharingStatistics,
  TraceStatistics
} from "../trace/TraceStatistics.ts"
import { figureTable } from "../report/FigureTable.ts"
import { counted } from "../settings/Counted.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"

export interface Inspection {
  /** The files. */
  readonly name: string
  readonly format: TraceFormat
  readonly statistics: TraceStatistics
  /** Some request plans its generated tokens. */
  readonly plansOutputs: boolean
  /** Requests wait for others that they name. */
  readonly waitsByName: boolean
  /** Signs that it is not what it is read as. */
  readonly notices: ReadonlyArray<string>
  /** Why it cannot be replayed at its own times, or at fixed concurrency. */
  readonly openLoopProblem: string | undefined
  readonly closedLoopProblem: string | undefined
}

/** Whole numbers exactly, others with two decimals; thousands grouped. */
const figure = (value: number): string => (Number.isInteger(value) ? englishNumber(value) : englishNumber(value, 2, 2))

const percentage = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`

const columns = ["total", "mean", "std", "min", "p50", "p90", "p99", "max"] as const

/** Right-aligned columns below a heading. */
const lengthLines = (
  lengths: ReadonlyArray<readonly [label: string, lengths: LengthStatistics]>
): ReadonlyArray<string> => {
  const table = [
    ["", ...columns],
    ...lengths.map(([label, statistics]) => [label, ...columns.map((column) => figure(statistics[column]))])
  ]
  return figureTable(table)
}

const arrivalText = (arrivals: ArrivalStatistics | undefined): string => {
  if (arrivals === undefined) return "no timestamps"
  const { firstMs, gapVariation, lastMs, mostInOneSecond, ratePerSecond } = arrivals
  const facts = [
    ratePerSecond === undefined ? "all at once" : `${figure(ratePerSecond)} per second`,
    ...(gapVariation === undefined ? [] : [`gap variation ${gapVariation.toFixed(2)}`]),
    ...(mostInOneSecond === undefined ? ["timestamps go back"] : [`at most ${figure(mostInOneSecond)} in one second`])
  ]
  return `from ${figure(firstMs / 1000)} s to ${figure(lastMs / 1000)} s, ${facts.join(", ")}`
}

const sharingText = (sharing: SharingStatistics | undefined): string => {
  if (sharing === undefined) return "not known: rows hold only what their turn adds to the prompt"
  const { distinctBlocks, isLowerBound, rows, tokenRatio, totalBlocks } = sharing
  return (
    `${isLowerBound ? "at least " : ""}${percentage(tokenRatio)} of prompt tokens, in ${counted(rows, "request")};`
    + ` ${isLowerBound ? "at most " : ""}${counted(distinctBlocks, "distinct block")} of ${figure(totalBlocks)}`
  )
}

const sessionText = ({
  rows,
  sessions: { meanTurns, mostTurns, multiTurnSessions, sessions }
}: TraceStatistics): string =>
  `${figure(rows)} in ${counted(sessions, "session")}`
  + (multiTurnSessions === 0
    ? ""
    : `, ${figure(multiTurnSessions)} of them with several turns (mean ${figure(meanTurns)}, at most ${figure(mostTurns)})`)

export const inspectionText = (inspection: Inspection): string => {
  const { closedLoopProblem, format, name, openLoopProblem, plansOutputs, statistics, waitsByName } = inspection
  const { arrivals, clampedRows, outputTokens, promptTokens, sharing, traceBlockTokens } = statistics
  const facts: ReadonlyArray<readonly [label: string, text: string | undefined]> = [
    ["requests", sessionText(statistics)],
    ["arrivals", arrivalText(arrivals)],
    ["shared prefixes", sharingText(sharing)],
    ["dependencies", waitsByName ? "requests wait for others that they name" : undefined],
    ["outputs", plansOutputs ? "some generated tokens are planned" : undefined],
    [
      "clamped",
      clampedRows === 0 ? undefined : `${counted(clampedRows, "request")} with more prompt tokens than hash ids supply`
    ],
    ["open loop", openLoopProblem === undefined ? undefined : `not possible: ${openLoopProblem}`],
    ["closed loop", closedLoopProblem === undefined ? undefined : `not possible: ${closedLoopProblem}`]
  ]
  return [
    `${name}: ${format}, ${counted(traceBlockTokens, "token")} per hash id`,
    "",
    ...facts.flatMap(([label, text]) => (text === undefined ? [] : [`${label.padEnd(16)}${text}`])),
    "",
    ...lengthLines([
      ["prompt tokens", promptTokens],
      ["output tokens", outputTokens]
    ])
  ].join("\n")
}

const snakeCase = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The same names as in reports; what is not known is null. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value === undefined ? null : value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [snakeCase(key), plain(item)]))
}

/** A list, one object per trace. */
export const inspectionJson = (inspections: ReadonlyArray<Inspection>): string =>
  JSON.stringify(
    inspections.map(({ name, notices, statistics: { file: _, ...statistics }, ...others }) =>
      plain({ file: name, ...others, ...statistics, warnings: notices })
    ),
    undefined,
    2
  )
