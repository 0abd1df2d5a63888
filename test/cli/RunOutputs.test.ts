/** What a run writes beside its report: the same figures in every form, and a status that scripts can ask for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { parquetReadObjects } from "hyparquet"
import { copyFileSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { gunzipSync } from "node:zlib"
import { Folder, program } from "./Program.ts"

const trace = resolve(import.meta.dirname, "../../traces/conversation_sample.jsonl")

const inFolder = <E>(test: (folder: Folder) => Effect.Effect<void, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = new Folder({ "trace.jsonl": "" })
      copyFileSync(trace, join(folder.path, "trace.jsonl"))
      return folder
    }),
    test,
    (folder) => Effect.sync(() => folder.leave())
  )

const Row = Schema.Record(Schema.String, Schema.Unknown)
type Row = typeof Row.Type
const rowOf = Schema.decodeUnknownSync(Schema.fromJsonString(Row))
const jsonRows = (text: string): ReadonlyArray<Row> =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => rowOf(line))

/** No field of these files has quotes or commas in it. */
const csvRows = (text: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  const [header = "", ...lines] = text.trimEnd().split("\n")
  const names = header.split(",")
  return lines.map((line) => Object.fromEntries(line.split(",").map((value, index) => [names[index] ?? "", value])))
}

const parquetRows = (path: string) =>
  Effect.promise(() => {
    const bytes = readFileSync(path)
    return parquetReadObjects({ file: new Uint8Array(bytes).buffer })
  })

/** As CSV would write it. */
const fieldOf = (value: unknown): string => (value === null || value === undefined ? "" : String(value))

const run = (...flags: ReadonlyArray<string>) =>
  program(["replay", "trace.jsonl", "--num-workers=2", "--report-json=r.json", "--quiet", ...flags])

describe("outputs of a run", () => {
  it.effect("have the requests as lines, CSV and Parquet, alike", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        for (const name of ["q.jsonl", "q.csv", "q.parquet"]) {
          assert.strictEqual((yield* run(`--report-jsonl=${name}`)).exit, 0)
        }
        const lines = jsonRows(folder.read("q.jsonl"))
        const csv = csvRows(folder.read("q.csv"))
        const parquet = yield* parquetRows("q.parquet")
        assert.strictEqual(lines.length, 60)
        assert.strictEqual(csv.length, 60)
        assert.strictEqual(parquet.length, 60)
        lines.forEach((line, index) => {
          for (const [key, value] of Object.entries(line)) {
            assert.strictEqual(csv[index]?.[key], fieldOf(value), key)
            assert.strictEqual(fieldOf(parquet[index]?.[key]), fieldOf(value), key)
          }
        })
      })
    )
  )

  it.effect("have the time series in three forms, alike, and adding up", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        for (const name of ["s.jsonl", "s.csv", "s.parquet"]) {
          const { exit } = yield* run(`--series=${name}`, "--series-interval-seconds=0.5")
          assert.strictEqual(exit, 0)
        }
        const lines = jsonRows(folder.read("s.jsonl"))
        const csv = csvRows(folder.read("s.csv"))
        const parquet = yield* parquetRows("s.parquet")
        assert.isAbove(lines.length, 30)
        lines.forEach((line, index) => {
          for (const [key, value] of Object.entries(line)) {
            assert.strictEqual(csv[index]?.[key], fieldOf(value), key)
            assert.strictEqual(fieldOf(parquet[index]?.[key]), fieldOf(value), key)
          }
        })
        const workers = csv.filter(({ scope }) => scope === "worker")
        const tokens = workers.reduce((total, each) => total + Number(each["decode_tokens"]), 0)
        assert.strictEqual(tokens, rowOf(folder.read("r.json"))["total_output_tokens"])
      })
    )
  )

  it.effect("have the timeline, plain or compressed, and say when it is sampled", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* run("--timeline=t.json")).stderr, "")
        yield* run("--timeline=t.json.gz")
        assert.strictEqual(gunzipSync(readFileSync("t.json.gz")).toString(), folder.read("t.json"))
        const small = yield* program([
          "replay",
          "trace.jsonl",
          "--report-json=r.json",
          "--timeline=t.json",
          "--timeline-max-mb=0.02"
        ])
        assert.match(small.stderr, /note: t\.json holds one request of \d+ and draws up to \d+ passes as one/)
      })
    )
  )

  it.effect("have the report, or its figures as CSV, alone on standard output", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const quiet = ["replay", "trace.jsonl", "--num-workers=2", "--quiet"]
        const json = yield* program([...quiet, "--json=-"])
        assert.strictEqual(json.exit, 0, json.stderr)
        const report = rowOf(json.stdout)
        assert.strictEqual(report["completed_requests"], 60)
        assert.match(json.stderr, /Saved full report to: standard output$/)
        assert.deepStrictEqual(folder.added(), [])
        const csv = yield* program([...quiet, "--json=r.json", "--csv=-", "--sla-ttft-ms=100"])
        const [row] = csvRows(csv.stdout)
        const saved = rowOf(folder.read("r.json"))
        const figures = Object.keys(saved).filter((key) => key !== "dynosim")
        assert.deepStrictEqual(
          Object.keys(row ?? {})
            .filter((key) => !key.startsWith("dynosim."))
            .toSorted(),
          figures.toSorted()
        )
        for (const key of figures) assert.strictEqual(row?.[key], fieldOf(saved[key]), key)
        assert.strictEqual(row?.["dynosim.offered_requests"], "60")
        assert.match(csv.stderr, /Saved full report to: r\.json$/)
        assert.strictEqual((yield* run("--csv=f.csv")).exit, 0)
        const [plain] = csvRows(folder.read("f.csv"))
        assert.deepStrictEqual(Object.keys(plain ?? {}), Object.keys(row ?? {}))
        assert.strictEqual(plain?.["goodput_completed_requests"], "")
      })
    )
  )

  it.effect("do not change the report", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        // Whoever watches sees every pass in its time, and worker time is a sum over instants: its last digits may differ.
        const report = () =>
          folder
            .read("r.json")
            .replaceAll(/"(wall_time_ms|processed_\w+_per_s)": [^,\n]*,?/g, "")
            .replaceAll(/("(?:decode_worker_seconds|gpu_hours)": [\d.]{10})\d*/g, "$1")
        yield* run()
        const plain = report()
        yield* run("--series=s.csv", "--timeline=t.json", "--report-jsonl=q.csv")
        assert.strictEqual(report(), plain)
      })
    )
  )

  for (const [flags, message] of [
    [["--series=s.txt"], /^error: --series: s\.txt does not say in which form; let its name end in \.csv/],
    [["--series="], /^error: --series: needs the name of a file$/],
    [["--timeline="], /^error: --timeline: needs the name of a file$/],
    [["--timeline=t.gz"], /^error: --timeline: t\.gz does not say in which form/],
    [["--timeline=t.json", "--timeline-until-seconds=0"], /^error: --timeline-until-seconds: must be after/],
    [["--series=trace.jsonl"], /^error: --series: trace\.jsonl is the trace trace\.jsonl/],
    [["--series=s.csv", "--report-jsonl=s.csv"], /^error: --series: s\.csv is also the --report-jsonl output/],
    [["--json=s.json"], /^error: --json: says where the report goes, and so does --report-json/],
    [["--csv=trace.jsonl"], /^error: --csv: trace\.jsonl is the trace trace\.jsonl/],
    [["--csv=-", "--report-jsonl=-"], /^error: --report-jsonl: - is also the --csv output/],
    [
      ["--fail-if=p99_ttft_ms > 3 and mean_ttft_ms > 2"],
      /^error: --fail-if: "p99_ttft_ms > 3 and mean_ttft_ms > 2": joins conditions, each of which is enough; give the flag once for each$/
    ],
    [["--fail-if=p99_tft_ms > 3"], /^error: --fail-if: .*did you mean p99_ttft_ms\?/]
  ] as const) {
    it.effect(`are refused before the run: ${flags.join(" ")}`, () =>
      inFolder((folder) =>
        Effect.gen(function* () {
          const { exit, stderr } = yield* run(...flags)
          assert.match(stderr, message)
          assert.strictEqual(exit, 2)
          assert.deepStrictEqual(folder.added(), [])
        })
      )
    )
  }

  it.effect("are said to be without use where they are", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const words = ["--report-json=r.json", "--series-interval-seconds=2", "--timeline-every=2"]
        const { stderr } = yield* program(["replay", "trace.jsonl", ...words])
        assert.match(stderr, /note: --series-interval-seconds has no effect without --series/)
        assert.match(stderr, /note: --timeline-every has no effect without --timeline/)
      })
    )
  )
})

describe("--measure-from and --measure-until", () => {
  const sum = (rows: ReadonlyArray<Row>, key: string): number =>
    rows.reduce((total, row) => total + Number(row[key] ?? 0), 0)

  it.effect("measure what ends in between, as the marked lines and the series say", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const window = ["--measure-from=10", "--measure-until=0.3 min", "--series=s.jsonl", "--html=p.html"]
        const { exit, stderr, stdout } = yield* run(...window, "--report-jsonl=q.jsonl")
        assert.strictEqual(exit, 0, stderr)
        const report = rowOf(folder.read("r.json"))
        const all = jsonRows(folder.read("q.jsonl"))
        const lines = all.filter(({ measured }) => measured === true)
        assert.strictEqual(all.length, 60)
        for (const { last_token_ms, measured } of all) {
          assert.strictEqual(measured, Number(last_token_ms) >= 10_000 && Number(last_token_ms) < 18_000)
        }
        assert.strictEqual(report["completed_requests"], lines.length)
        assert.strictEqual(report["duration_ms"], 8000)
        assert.strictEqual(report["request_throughput_rps"], lines.length / 8)
        assert.strictEqual(report["output_throughput_tok_s"], sum(lines, "output_length") / 8)
        assert.approximately(Number(report["mean_ttft_ms"]), sum(lines, "ttft_ms") / lines.length, 1e-6)
        const within = jsonRows(folder.read("s.jsonl")).filter(
          ({ end_ms, scope, start_ms }) => scope === "run" && Number(start_ms) >= 10_000 && Number(end_ms) <= 18_000
        )
        const gaps = within.reduce(
          (total, row) => total + Number(row["token_gaps"]) * Number(row["mean_itl_ms"] ?? 0),
          0
        )
        assert.approximately(Number(report["mean_itl_ms"]), gaps / sum(within, "token_gaps"), 1e-9)
        assert.match(
          stdout,
          new RegExp(`Measured Window: 10\\.00 s to 18\\.00 s, ${lines.length} requests; left out: `)
        )
        yield* run(...window, "--report-jsonl=q.csv")
        assert.deepStrictEqual(
          csvRows(folder.read("q.csv")).map(({ measured }) => measured),
          all.map(({ measured }) => String(measured))
        )
        const compared = yield* program(["compare", "--json", "r.json", "q.jsonl"])
        const { metrics, remarks } = JSON.parse(compared.stdout).comparisons[0]
        assert.approximately(metrics[0].statistics.mean.relative_error, 0, 1e-9)
        assert.include(remarks, `q.jsonl: left out: ${60 - lines.length} requests outside the measured window`)
      })
    )
  )

  it.effect("take shares of the requests, from a configuration file too", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        folder.write("c.yaml", "traces: trace.jsonl\nmeasure-from: 10 %\nmeasure-until: 90 %\nreport-json: r.json\n")
        const { exit, stderr } = yield* program(["replay", "--config=c.yaml", "--report-jsonl=q.jsonl"])
        assert.strictEqual(exit, 0, stderr)
        const measured = jsonRows(folder.read("q.jsonl")).map((line) => line["measured"])
        assert.deepStrictEqual(
          measured,
          measured.map((_, index) => index >= 6 && index < 54)
        )
        assert.strictEqual(rowOf(folder.read("r.json"))["num_requests"], 48)
      })
    )
  )

  it.effect("say so when the run was over before", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const { exit, stderr } = yield* program(["replay", "trace.jsonl", "--json=r.json", "--measure-from=2 h"])
        assert.strictEqual(exit, 0)
        assert.match(stderr, /note: no request ended in the measured window/)
      })
    )
  )

  for (const [flags, message] of [
    [["--measure-from=20", "--measure-until=10"], "--measure-until: must be after 20 s, got 10 s"],
    [["--measure-from=20 %", "--measure-until=20 %"], "--measure-until: must be after 20 %, got 20 %"],
    [["--measure-until=0"], "--measure-until: must be after the start, got 0 s"],
    [
      ["--measure-from=120 %"],
      '--measure-from: expected seconds, a time such as 30 s or 2 min, or a share of the requests such as 10 %, got "120 %"'
    ],
    [
      ["--measure-from=3 parsecs"],
      '--measure-from: expected seconds, a time such as 30 s or 2 min, or a share of the requests such as 10 %, got "3 parsecs"'
    ]
  ] as const) {
    it.effect(`are refused: ${flags.join(" ")}`, () =>
      inFolder(() =>
        Effect.gen(function* () {
          const { exit, stderr } = yield* run(...flags)
          assert.strictEqual(stderr, `error: ${message}`)
          assert.strictEqual(exit, 2)
        })
      )
    )
  }
})

describe("--fail-if", () => {
  it.effect("ends with status 3 and a line for each condition that holds, once everything is written", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const { exit, stderr, stdout } = yield* run(
          "--fail-if=p99_ttft_ms > 5 ms",
          "--fail-if=completed_requests < 60",
          "--fail-if=completed_requests >= 60",
          "--report-jsonl=q.jsonl"
        )
        assert.strictEqual(exit, 3)
        assert.match(
          stderr,
          /^error: --fail-if: p99_ttft_ms is [\d.]+, > 5 ms\nerror: --fail-if: completed_requests is 60, >= 60$/
        )
        assert.match(stdout, /Saved full report to: r\.json/)
        assert.deepStrictEqual(folder.added(), ["q.jsonl", "r.json"])
      })
    )
  )

  it.effect("changes nothing where none does, and does not vouch for what is not in the report", () =>
    inFolder(() =>
      Effect.gen(function* () {
        assert.strictEqual((yield* run("--fail-if=p99_ttft_ms > 1000 s")).exit, 0)
        const { exit, stderr } = yield* run("--fail-if=goodput_completed_requests < 10")
        assert.strictEqual(exit, 3)
        assert.match(stderr, /goodput_completed_requests: this run has no such figure/)
      })
    )
  )

  it.effect("takes no latency of a run in which nothing completed for a good one", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const tooSmall = '--extra-engine-args={"num_gpu_blocks": 2, "block_size": 16}'
        const { exit, stderr } = yield* run(tooSmall, "--fail-if=p99_ttft_ms > 1000 s")
        assert.strictEqual(exit, 3, stderr)
        assert.match(stderr, /p99_ttft_ms: this run has no such figure/)
      })
    )
  )

  it.effect("may stand in the configuration file", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        folder.write("c.yaml", "traces: trace.jsonl\nfail-if: p99_ttft_ms > 5\nreport-json: r.json\n")
        const { exit, stderr } = yield* program(["replay", "--config=c.yaml"])
        assert.strictEqual(exit, 3, stderr)
      })
    )
  )
})
