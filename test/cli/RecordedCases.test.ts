/** Every recorded command line of the reference, run in this process: outcome, numbers, lines, files, words. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { type Deviation, deviations } from "./Deviations.ts"
import { type Folder, type Outcome, programIn } from "./Program.ts"

type Line = Readonly<Record<string, number | string | null>>

interface RecordedCase {
  readonly id: string
  readonly argv: ReadonlyArray<string>
  readonly files: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly exit: number | "TIMEOUT"
  readonly error?: string
  readonly report?: Readonly<Record<string, number>>
  readonly lines?: ReadonlyArray<Line>
  readonly written: ReadonlyArray<string>
  readonly stdout?: string
  readonly random?: boolean
}

const golden = join(import.meta.dirname, "../golden/cli/cases.jsonl.gz")
const cases = gunzipSync(readFileSync(golden))
  .toString("utf8")
  .trim()
  .split("\n")
  .map((line): RecordedCase => JSON.parse(line))

const tolerance = 1e-9

const isNear = (actual: unknown, expected: number, scale = Math.abs(expected)): boolean =>
  typeof actual === "number" && Math.abs(actual - expected) <= tolerance * Math.max(scale, 1e-3)

const checkReport = (report: Readonly<Record<string, number>>, text: string): void => {
  const ours: Readonly<Record<string, unknown>> = JSON.parse(text)
  for (const [key, expected] of Object.entries(report)) {
    const mean = key.startsWith("std_") ? Math.abs(report[key.replace("std_", "mean_")] ?? 0) : 0
    const close = isNear(ours[key], expected, Math.max(Math.abs(expected), mean))
    assert(close, `${key}: expected ${expected}, got ${String(ours[key])}`)
  }
}

/** The reference leaves these empty where a single worker or no session makes them obvious; here they are always told. */
const toldAnyway: ReadonlySet<string> = new Set(["session_id", "turn_index", "decode_worker_idx"])
/** The reference makes up a session for rows without one in some of its loops. */
const isMadeUpSession = (line: Line): boolean => /^request_\d+$/.test(String(line["session_id"]))

/** Rows of equal arrival come in no particular order. */
const byContent = (left: Line, right: Line): number => {
  for (const key of [
    "arrival_time_ms",
    "input_length",
    "output_length",
    "last_token_ms",
    "reused_input_tokens",
    "session_id"
  ]) {
    const [a, b] = [left[key] ?? -1, right[key] ?? -1]
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}

const checkLines = (lines: ReadonlyArray<Line>, text: string): void => {
  const ours = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line))
    .toSorted(byContent)
  assert.strictEqual(ours.length, lines.length, "number of lines")
  for (const [index, expected] of lines.toSorted(byContent).entries()) {
    for (const [key, value] of Object.entries(expected)) {
      const actual = ours[index]?.[key]
      if (toldAnyway.has(key) && (value === null || isMadeUpSession(expected))) continue
      const same = typeof value === "number" ? isNear(actual, value) : actual === value
      assert(same, `line ${index}, ${key}: expected ${value}, got ${String(actual)}`)
    }
  }
}

/** What the reference calls what a user knows by another name, and words that are only its way of speaking. */
const names: ReadonlyArray<readonly [theirs: RegExp, ours: string]> = [
  [/max_sim_time_ms/g, "max_sim_time_seconds"],
  [/data_parallel_size/g, "dp_size"],
  [/aic_perf_config/g, "aic_backend"],
  [/argument |trace_file |"(?:value|min|max)"|non_negative|non_empty|first_turn|pyo3_runtime/g, ""]
]

const normalised = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/(?<![a-z\d])--?(?=[a-z])/g, "")
    .replaceAll("-", "_")

/** Flags, fields, quoted values and offending values that a message of the reference mentions. */
const essentialWords = (error: string): ReadonlyArray<string> => {
  let text = normalised(error)
  for (const [theirs, ours] of names) text = text.replaceAll(theirs, ours)
  const words = [
    ...text.matchAll(/[a-z0-9]+(?:_[a-z0-9]+)+|[\w.]+\.(?:jsonl|yaml)|got ([^\s,;]+)|['"`]([^'"`\s]+)['"`]/g)
  ]
  return words
    .map((match) => match[1] ?? match[2] ?? match[0])
    .filter((word) => /[a-z0-9]/.test(word) && word !== "inf")
}

const checkWords = (error: string, outcome: Outcome): void => {
  const ours = normalised(outcome.stderr)
  for (const word of essentialWords(error))
    assert(ours.includes(word), `no ${word} in: ${outcome.stderr}\nreference: ${error}`)
}

const withoutWallTime = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !line.startsWith("Wall Time"))
    .join("\n")
    .trimEnd()

/** The date in the name differs. */
const nameOf = (file: string): string => file.replace(/_\d{8}_\d{6}\.json$/, "_DATE.json")

/** Agentic replays leave the reference's file of lines empty. */
const isAgentic = ({ argv, lines }: RecordedCase): boolean =>
  lines?.length === 0 && (argv.includes("agentic_mooncake") || argv.includes("dynamo"))

const checkSuccess = (
  recorded: RecordedCase,
  deviation: Deviation | undefined,
  outcome: Outcome,
  folder: Folder
): void => {
  assert.strictEqual(outcome.exit, 0, outcome.stderr)
  if (recorded.exit !== 0) return
  if (deviation?._tag !== "OtherText")
    assert.deepStrictEqual(folder.added().map(nameOf), recorded.written.map(nameOf).toSorted())
  if (recorded.stdout !== undefined && deviation?._tag !== "OtherText") {
    assert.strictEqual(withoutWallTime(outcome.stdout), withoutWallTime(recorded.stdout))
  }
  if (recorded.random === true || deviation?._tag === "OtherNumbers") return
  if (recorded.report !== undefined) checkReport(recorded.report, folder.read("r.json"))
  if (recorded.lines !== undefined && !isAgentic(recorded)) checkLines(recorded.lines, folder.read("r.jsonl"))
  if (isAgentic(recorded)) assert.isNotEmpty(folder.read("r.jsonl"))
}

const checkFailure = (
  recorded: RecordedCase,
  deviation: Deviation | undefined,
  outcome: Outcome,
  folder: Folder
): void => {
  assert.include([1, 2], outcome.exit, outcome.stdout)
  assert.match(outcome.stderr, /^(note: .*\n)*error: /)
  assert.notMatch(outcome.stderr, /\n\s+at |fault of dynosim/)
  assert.strictEqual(outcome.stdout, "")
  assert.notInclude(folder.added(), "r.json")
  if (deviation?._tag === "Refused" || deviation?._tag === "OtherWords") assert.match(outcome.stderr, deviation.message)
  else if (recorded.error !== undefined) checkWords(recorded.error, outcome)
}

describe("recorded command lines", () => {
  it("names only recorded cases as deviations", () => {
    const ids = new Set(cases.map(({ id }) => id))
    assert.deepStrictEqual(
      Object.keys(deviations).filter((id) => !ids.has(id)),
      []
    )
  })

  for (const recorded of cases) {
    const deviation = deviations[recorded.id]
    const succeeds = deviation?._tag === "Accepted" || (recorded.exit === 0 && deviation?._tag !== "Refused")
    it.live(`${recorded.id}${deviation === undefined ? "" : `: otherwise, ${deviation.why}`}`, () =>
      programIn(
        recorded.files,
        ["replay", ...recorded.argv],
        (outcome, folder) => {
          if (succeeds) checkSuccess(recorded, deviation, outcome, folder)
          else checkFailure(recorded, deviation, outcome, folder)
        },
        recorded.env
      )
    )
  }
})
