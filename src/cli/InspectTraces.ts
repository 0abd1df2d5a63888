/** `dynosim trace inspect`: what traces are made of, as text or JSON. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { TraceInput } from "../run/ReplayOptions.ts"
import { inspectOptions } from "../config/TraceToolOptions.ts"
import { printable, printableLines } from "../report/Printable.ts"
import { traceStatistics } from "../trace/TraceStatistics.ts"
import { inspectionJson, inspectionText, type Inspection } from "./InspectionText.ts"
import { inputName, openInput } from "../run/OpenTrace.ts"

export const inspectTraces = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const { inputs, json } = yield* Effect.fromResult(inspectOptions(traces, flags))
  const inspections = yield* Effect.forEach(inputs, (input) => Effect.scoped(inspect(input)))
  if (!json) {
    for (const { name, notices } of inspections) {
      for (const notice of notices) yield* Console.error(`note: ${printable(`${name}: ${notice}`)}`)
    }
  }
  yield* Console.log(json ? inspectionJson(inspections) : printableLines(inspections.map(inspectionText).join("\n\n")))
})

const inspect = Effect.fnUntraced(function* (input: TraceInput) {
  const trace = yield* openInput(input)
  const { closedLoopProblem, openLoopProblem, plansOutputs } = trace.survey
  const inspection: Inspection = {
    name: inputName(input),
    format: input.format,
    statistics: yield* traceStatistics(trace),
    plansOutputs,
    waitsByName: trace.graph !== undefined,
    notices: [...trace.remarks, ...trace.notices],
    openLoopProblem: openLoopProblem?.problem,
    closedLoopProblem: closedLoopProblem?.problem
  }
  return inspection
})
