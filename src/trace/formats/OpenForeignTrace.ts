/** A file of somebody else as a trace: opened by its format, checked and surveyed like any other. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { prefixModelText } from "./PrefixModel.ts"
import { isAgenticRow, type AgenticRow } from "../AgenticMooncakeReader.ts"
import { surveyAgentic } from "../AgenticSurvey.ts"
import { RowMemory } from "../RowMemory.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { surveyRows } from "../TraceSurvey.ts"
import type { ForeignReading, ForeignTrace } from "./ForeignFormat.ts"
import { foreignFormats, type ForeignFormatName } from "./Registry.ts"

const madeUpRemark = ({ prefixes, seed }: ForeignReading): ReadonlyArray<string> =>
  prefixes.meanTurns === 1 && prefixes.systemTokens === 0
    ? []
    : [`what prompts share is made up: --prefix-model ${prefixModelText(prefixes)}, seed ${seed}`]

const surveyed = Effect.fnUntraced(function* (trace: ForeignTrace, file: string) {
  if (trace.isGraph) {
    const memory = new RowMemory<AgenticRow>()
    const rows = Stream.filter(trace.rows, isAgenticRow)
    const { graph, survey } = yield* surveyAgentic(memory.watch(rows), file)
    return { survey, graph, rows: memory.replay(rows) }
  }
  const memory = new RowMemory<TraceRow>()
  const survey = yield* surveyRows(memory.watch(trace.rows), file, () => false)
  return { survey, graph: undefined, rows: memory.replay(trace.rows) }
})

/** Opens and checks a file of some format. */
export const openForeignTrace = Effect.fnUntraced(function* (name: ForeignFormatName, reading: ForeignReading) {
  const { file } = reading
  const trace = yield* foreignFormats[name](reading)
  const { graph, rows, survey } = yield* surveyed(trace, file)
  const source: TraceSource = {
    file,
    traceBlockTokens: trace.traceBlockTokens,
    survey,
    accumulatesPrompts: trace.accumulatesPrompts && survey.multiTurn,
    graph,
    notices: [],
    remarks: [...trace.notices(), ...madeUpRemark(reading)],
    rows
  }
  return source
})
