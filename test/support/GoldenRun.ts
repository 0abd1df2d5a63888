/** Recorded runs of the reference, and the same command lines here. See test/golden/replay/README.md for the files. */
import * as Effect from "effect/Effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { type CommandOutcome, runCommand } from "./CommandRun.ts"
import { type RecordedReport, type RecordedRequests, reportDifferences, requestDifferences } from "./Comparison.ts"

export interface GoldenRun {
  /** Name of a trace, `null` for synthetic load. */
  readonly trace: string | null
  /** How many of its lines from the first on, `null` for all. */
  readonly lines: number | null
  /** The rest of the command line. */
  readonly arguments: ReadonlyArray<string>
  /** What the reference failed with; then there is no report. */
  readonly error: string | null
  readonly report: RecordedReport | null
  /** Per-request lines; `null` where the reference writes none (synthetic load). */
  readonly requests: RecordedRequests | null
}

const repository = fileURLToPath(new URL("../../", import.meta.url))

/** Traces that the repository ships; the others lie in the folder of the recorded runs that use them. */
const publishedTraces: ReadonlySet<string> = new Set(["conversation_trace", "synthetic_trace"])

export const goldenFolder = (name: string): string => join(repository, "test/golden", name)

/** Names of the recorded runs of a folder. */
export const goldenNames = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json.gz"))
    .map((file) => file.slice(0, -".json.gz".length))

export const loadGolden = (folder: string, name: string): GoldenRun =>
  JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString("utf8"))

const traceFile = (folder: string, trace: string): string =>
  publishedTraces.has(trace)
    ? join(repository, "traces", `${trace}.jsonl`)
    : join(folder, "traces", `${trace}.jsonl.gz`)

/** A trace file with this text, for the time of the scope. */
export const temporaryTrace = (text: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "dynosim-golden-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    ),
    (folder) => {
      const file = join(folder, "trace.jsonl")
      writeFileSync(file, text)
      return file
    }
  )

const firstLines = (file: string, lines: number): string =>
  `${readFileSync(file, "utf8").split("\n", lines).join("\n")}\n`

/** Runs the recorded command line here. */
export const rerun = (folder: string, golden: GoldenRun): Effect.Effect<CommandOutcome, unknown> => {
  if (golden.trace === null) return runCommand([], golden.arguments)
  const file = traceFile(folder, golden.trace)
  if (golden.lines === null) return runCommand([file], golden.arguments)
  return Effect.scoped(
    Effect.flatMap(temporaryTrace(firstLines(file, golden.lines)), (head) => runCommand([head], golden.arguments))
  )
}

/** Everything in which a run differs from the recorded one. */
export const differences = (outcome: CommandOutcome, golden: GoldenRun): Array<string> => [
  ...(golden.report === null ? [] : reportDifferences(outcome.report, golden.report)),
  ...(golden.requests === null ? [] : requestDifferences(outcome.records, golden.requests))
]
