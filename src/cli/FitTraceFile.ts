/** `dynosim trace fit`: a trace as a workload file. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { FlagValues } from "../config/ReadFlags.ts"
import { fitOptions } from "../config/TraceToolOptions.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { isStandardOutput } from "../report/OutputTarget.ts"
import { printable } from "../report/Printable.ts"
import { openInput } from "../run/OpenTrace.ts"
import { fitTrace } from "../workload/fit/FitTrace.ts"
import { planJson, planYaml } from "../workload/fit/PlanText.ts"
import { readAndWritten, tellNotices } from "./TraceFiles.ts"
import { counted } from "../settings/Counted.ts"

/** The last of the files is the one to write; JSON where its name says so. */
export const fitTraceFile = Effect.fnUntraced(function* (files: ReadonlyArray<string>, flags: FlagValues) {
  const { out, traces } = yield* readAndWritten(files, "workload")
  const input = yield* Effect.fromResult(fitOptions(traces, flags))
  const plan = yield* Effect.scoped(
    Effect.gen(function* () {
      const trace = yield* openInput(input)
      yield* tellNotices(trace, input)
      return yield* fitTrace(trace)
    })
  )
  yield* OutputFile.write(out, /\.json$/i.test(out) ? planJson(plan) : planYaml(plan))
  if (yield* isStandardOutput(out)) return
  const classes = plan.classes.map(({ name }) => name).join(", ")
  yield* Console.log(printable(`${out}: ${counted(plan.requestCount ?? 0, "session")}, described as ${classes}`))
})
