/** The reference as a command: `DYNOSIM_REFERENCE` names an executable that takes the arguments of `python -m dynamo.replay`. */
import { execFile } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Line, RecordedReport } from "../support/Comparison.ts"

export type ReferenceResult =
  | {
      readonly _tag: "Done"
      readonly report: RecordedReport
      /** `undefined` where it tells nothing of single requests: with its planner. */
      readonly lines: ReadonlyArray<Line> | undefined
    }
  | { readonly _tag: "Failed"; readonly message: string }
  /** It was still running after the time allowed. */
  | { readonly _tag: "Hung" }

export const referenceCommand: string | undefined = process.env["DYNOSIM_REFERENCE"]

const timeoutMs = 60_000

const execute = (command: string, words: ReadonlyArray<string>): Promise<ReferenceResult | undefined> =>
  new Promise((resolve) => {
    execFile(
      command,
      [...words],
      { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 1 << 26 },
      (error, _stdout, stderr) => {
        if (error === null) resolve(undefined)
        else if (error.killed === true) resolve({ _tag: "Hung" })
        else resolve({ _tag: "Failed", message: stderr.trim().split("\n").at(-1) ?? "" })
      }
    )
  })

const linesOf = (file: string): ReadonlyArray<Line> =>
  (existsSync(file) ? readFileSync(file, "utf8") : "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** Runs the reference on a trace; `folder` is for its outputs. */
export const runReference = async (
  command: string,
  trace: string,
  words: ReadonlyArray<string>,
  folder: string
): Promise<ReferenceResult> => {
  const [report, lines] = [join(folder, "reference.json"), join(folder, "reference.jsonl")]
  for (const file of [report, lines]) rmSync(file, { force: true })
  const tellsRequests = !words.includes("--planner-config")
  const outputs = ["--report-json", report, ...(tellsRequests ? ["--report-jsonl", lines] : [])]
  const trouble = await execute(command, [trace, ...words, ...outputs])
  if (trouble !== undefined) return trouble
  return {
    _tag: "Done",
    report: JSON.parse(readFileSync(report, "utf8")),
    lines: tellsRequests ? linesOf(lines) : undefined
  }
}
