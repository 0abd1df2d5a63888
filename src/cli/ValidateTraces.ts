/** `dynosim trace validate`: whether traces can be replayed, and if not, what to mend. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { TraceInput } from "../run/ReplayOptions.ts"
import { validateOptions } from "../config/TraceToolOptions.ts"
import { printable } from "../report/Printable.ts"
import { OnBadLine } from "../trace/RowReader.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceSurvey } from "../trace/TraceSurvey.ts"
import { InvalidTraces } from "./CliError.ts"
import { inputName, openInput } from "../run/OpenTrace.ts"
import { counted } from "../settings/Counted.ts"

/** What was found about one trace. */
interface Finding {
  readonly name: string
  /** Of a trace without problems. */
  readonly survey: TraceSurvey | undefined
  /** Signs that it is not what it is read as. */
  readonly notices: ReadonlyArray<string>
  /** The first ones. */
  readonly problems: ReadonlyArray<TraceError>
  readonly problemCount: number
}

export const validateTraces = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const { inputs, json, maxProblems } = yield* Effect.fromResult(validateOptions(traces, flags))
  const findings: Array<Finding> = []
  for (const input of inputs) {
    const finding = yield* validate(input, maxProblems)
    findings.push(finding)
    if (!json) yield* tell(finding)
  }
  if (json) yield* Console.log(JSON.stringify(findings.map(findingJson), undefined, 2))
  const invalid = findings.filter(({ problemCount }) => problemCount > 0).length
  if (invalid > 0) return yield* new InvalidTraces({ invalid, checked: findings.length })
})

/**
 * All lines that cannot be used, or, when there are none, the first problem between lines: with lines missing, sessions
 * and dependencies would seem to be broken that are not.
 */
const validate = Effect.fnUntraced(function* (input: TraceInput, maxProblems: number) {
  const problems: Array<TraceError> = []
  let problemCount = 0
  const note = (problem: TraceError): boolean => {
    problemCount += 1
    if (problems.length < maxProblems) problems.push(problem)
    return true
  }
  const opened = yield* Effect.result(
    Effect.scoped(
      Effect.map(openInput(input), ({ notices, remarks, survey }) => ({ notices: [...remarks, ...notices], survey }))
    ).pipe(Effect.provideService(OnBadLine, note))
  )
  if (Result.isFailure(opened) && problemCount === 0) note(opened.failure)
  const sound = Result.isSuccess(opened) && problemCount === 0 ? opened.success : undefined
  const finding: Finding = {
    name: inputName(input),
    survey: sound?.survey,
    notices: sound?.notices ?? [],
    problems,
    problemCount
  }
  return finding
})

const tell = Effect.fnUntraced(function* ({ name, notices, problemCount, problems, survey }: Finding) {
  for (const { message } of problems) yield* Console.error(`error: ${printable(message)}`)
  for (const notice of notices) yield* Console.error(`note: ${printable(`${name}: ${notice}`)}`)
  const shown = problemCount > problems.length ? `, the first ${problems.length} shown` : ""
  const verdict =
    survey === undefined
      ? `${counted(problemCount, "problem")}${shown}`
      : `ok, ${counted(survey.rows, "request")}${restrictionOf(survey)}`
  yield* Console.log(printable(`${name}: ${verdict}`))
})

const restrictionOf = ({ closedLoopProblem, openLoopProblem }: TraceSurvey): string => {
  if (openLoopProblem !== undefined) return `, at fixed concurrency only: ${openLoopProblem.problem}`
  return closedLoopProblem === undefined ? "" : `, not at fixed concurrency: ${closedLoopProblem.problem}`
}

const findingJson = ({ name, notices, problemCount, problems, survey }: Finding) => ({
  file: name,
  valid: survey !== undefined,
  requests: survey?.rows ?? null,
  problem_count: problemCount,
  problems: problems.map(({ file, line, problem }) => ({ file, line: line ?? null, problem })),
  warnings: notices,
  open_loop_problem: survey?.openLoopProblem?.problem ?? null,
  closed_loop_problem: survey?.closedLoopProblem?.problem ?? null
})
