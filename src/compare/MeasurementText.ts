/** From the text of a file to what it measured: the format is told by its content. */
import * as Result from "effect/Result"
import { parsedJson } from "../settings/LooseJson.ts"
import { usageError, type UsageError } from "../settings/SettingsError.ts"
import { aiperfExport, aiperfLines, isAiperfExport, isAiperfLine } from "./AiperfFiles.ts"
import { dynosimLines, dynosimReport, isDynosimLine, isDynosimReport } from "./DynosimFiles.ts"
import { guidellmBenchmarks, isGuidellm } from "./GuidellmFile.ts"
import type { Measurement } from "./Measurement.ts"
import { isVllmBench, vllmBench } from "./VllmBenchFile.ts"

const readable =
  "give a report or per-request lines of dynosim, profile_export_aiperf.json or profile_export.jsonl of AIPerf, GuideLLM's JSON, or a result of vllm bench serve"

/** The measurements of a file; several where it holds the benchmarks of a sweep. */
export const measurementsOf = (name: string, text: string): Result.Result<ReadonlyArray<Measurement>, UsageError> => {
  const whole = parsedJson(text)
  if (whole !== undefined && !isDynosimLine(whole) && !isAiperfLine(whole)) return ofDocument(name, whole)
  return Result.flatMap(linesOf(name, text), (lines) => ofLines(name, lines))
}

const ofDocument = (name: string, document: unknown): Result.Result<ReadonlyArray<Measurement>, UsageError> => {
  if (isDynosimReport(document)) return Result.succeed([dynosimReport(name, document)])
  if (isAiperfExport(document)) return Result.succeed([aiperfExport(name, document)])
  if (isGuidellm(document)) return Result.succeed(guidellmBenchmarks(name, document))
  if (isVllmBench(document)) return Result.succeed([vllmBench(name, document)])
  return Result.fail(usageError(name, "is JSON of no known kind", readable))
}

const linesOf = (name: string, text: string): Result.Result<ReadonlyArray<unknown>, UsageError> => {
  const lines: Array<unknown> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const value = parsedJson(line)
    if (value === undefined) {
      return index === 0 || lines.length === 0
        ? Result.fail(usageError(name, "is neither JSON nor JSON Lines", readable))
        : Result.fail(usageError(`${name}:${index + 1}`, "is not JSON", "the file may have been cut off"))
    }
    lines.push(value)
  }
  return lines.length === 0 ? Result.fail(usageError(name, "is empty", readable)) : Result.succeed(lines)
}

const ofLines = (
  name: string,
  lines: ReadonlyArray<unknown>
): Result.Result<ReadonlyArray<Measurement>, UsageError> => {
  for (const [is, read] of [
    [isDynosimLine, dynosimLines],
    [isAiperfLine, aiperfLines]
  ] as const) {
    if (!is(lines[0])) continue
    const stranger = lines.findIndex((line) => !is(line))
    return stranger < 0
      ? Result.succeed([read(name, lines)])
      : Result.fail(
          usageError(name, `line ${stranger + 1} of its requests is of another kind than the first`, readable)
        )
  }
  return Result.fail(usageError(name, "holds JSON Lines of no known kind", readable))
}
