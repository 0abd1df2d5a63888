/** No output of the command replaces an input, another output, or what somebody else writes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, mkdirSync, symlinkSync } from "node:fs"
import { Folder, program, programIn } from "./Program.ts"

const row = JSON.stringify({ timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1] })

const plan = "base: {traces: a.jsonl}\naxes: {num-workers: [1, 2]}\nobjective: minimise mean_ttft_ms\n"

/** Never ends: whoever is to fail must do so before. */
const endless = ["replay", "--input-tokens=2000", "--output-tokens=200", "--request-count=50000000"]

/** A folder with a trace, a folder, links to both sides of nothing and a way to nowhere; nothing is added to it. */
const inFolder = <E>(test: Effect.Effect<void, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = new Folder({ "a.jsonl": row, "plan.yaml": plan })
      mkdirSync("x")
      symlinkSync("a.jsonl", "to-trace")
      symlinkSync("nothing", "to-nothing")
      symlinkSync("to-nothing", "to-to-nothing")
      symlinkSync("unwritable", "unwritable")
      return folder
    }),
    (folder) =>
      Effect.map(test, () => {
        assert.strictEqual(folder.read("a.jsonl"), row)
        assert.deepStrictEqual(folder.added(), [])
      }),
    (folder) => Effect.sync(() => folder.leave())
  )

describe("outputs", () => {
  for (const [what, words, message] of [
    ["the trace", ["--report-json=a.jsonl"], /^error: --report-json: a\.jsonl is the trace a\.jsonl/],
    ["the trace by another name", ["--report-json=./x/../a.jsonl"], /is the trace a\.jsonl/],
    ["the trace behind a link", ["--report-json=to-trace"], /--report-json: to-trace is the trace a\.jsonl/],
    ["the other output", ["--report-json=r", "--report-jsonl=r"], /--report-jsonl: r is also the --report-json output/],
    ["it behind a link to nothing", ["--report-json=to-nothing", "--report-jsonl=nothing"], /nothing is also the/],
    ["it behind two links", ["--report-json=nothing", "--report-jsonl=to-to-nothing"], /to-to-nothing is also the/],
    ["it on standard output", ["--report-json=-", "--report-jsonl=/dev/stdout"], /\/dev\/stdout is also the/],
    ["a folder of lines", ["--report-json=r", "--report-jsonl=x"], /--report-jsonl: x is a folder; give the name/],
    ["a new folder of lines", ["--report-json=r", "--report-jsonl=new/"], /--report-jsonl: new\/ is a folder/]
  ] as const) {
    it.effect(`are refused where they would replace ${what}`, () =>
      inFolder(
        Effect.gen(function* () {
          const { exit, stderr } = yield* program(["replay", "a.jsonl", ...words])
          assert.match(stderr, message)
          assert.strictEqual(exit, 2)
        })
      )
    )
  }

  const misnamed: ReadonlyArray<readonly [what: string, argv: ReadonlyArray<string>, message: RegExp]> = [
    [
      "a converted trace",
      ["trace", "convert", "a.jsonl", "o.csv"],
      /^error: FILE: o\.csv is named like CSV, but what is written is JSON Lines; let the name end in \.jsonl, or \.jsonl\.gz to compress it$/
    ],
    ["a compressed one", ["trace", "convert", "a.jsonl", "o.csv.gz"], /^error: FILE: o\.csv\.gz is named like CSV/],
    [
      "an edited one",
      ["trace", "sample", "--share=1", "a.jsonl", "o.Parquet"],
      /^error: FILE: o\.Parquet is named like Parquet/
    ],
    [
      "a made one",
      ["trace", "synth", "--input-tokens=9", "--output-tokens=9", "--request-count=2", "o.zst"],
      /^error: OUT: o\.zst is named like Zstandard/
    ],
    [
      "a workload",
      ["trace", "fit", "a.jsonl", "o.csv"],
      /^error: FILE: o\.csv is named like CSV, but what is written is YAML; let the name end in \.yaml, or \.json for JSON$/
    ],
    ["a recording", ["record", "o.jsonl.gz"], /^error: OUT: o\.jsonl\.gz is named like gzip/],
    ["measured requests", ["record", "o.jsonl", "--measured=m.csv"], /^error: --measured: m\.csv is named like CSV/],
    [
      "a report",
      ["replay", "a.jsonl", "--report-json=r.csv"],
      /^error: --report-json: r\.csv is named like CSV, .* end in \.json$/
    ],
    ["figures", ["replay", "a.jsonl", "--csv=r.parquet"], /^error: --csv: r\.parquet is named like Parquet/],
    [
      "requests",
      ["replay", "a.jsonl", "--report-jsonl=r.jsonl.gz"],
      /^error: --report-jsonl: r\.jsonl\.gz is named like gzip, .* end in \.jsonl, \.csv or \.parquet$/
    ],
    ["a page", ["replay", "a.jsonl", "--html=r.json"], /^error: --html: r\.json is named like JSON/],
    [
      "a page of a comparison",
      ["compare", "a.jsonl", "a.jsonl", "--html=r.json"],
      /^error: --html: r\.json is named like JSON/
    ],
    ["rows of a sweep", ["sweep", "plan.yaml", "--csv=r.parquet"], /^error: --csv: r\.parquet is named like Parquet/],
    ["a table of a sweep", ["sweep", "plan.yaml", "--parquet=r.csv"], /^error: --parquet: r\.csv is named like CSV/],
    [
      "an answer",
      ["find", "fewest-workers", "a.jsonl", "--where=p99_ttft_ms < 1 h", "--json=r.csv"],
      /^error: --json: r\.csv is named like CSV/
    ]
  ]
  for (const [what, argv, message] of misnamed) {
    it.effect(`are refused where their name says what they are not: ${what}`, () =>
      inFolder(
        Effect.gen(function* () {
          const { exit, stderr } = yield* program(argv)
          assert.match(stderr.trim(), message)
          assert.strictEqual(exit, 2)
        })
      )
    )
  }

  for (const path of ["a.jsonl/r.json", "unwritable/r.json"]) {
    it.effect(`are known to be impossible before anything is simulated: ${path}`, () =>
      inFolder(
        Effect.gen(function* () {
          const { exit, stderr } = yield* program([...endless, "--report-json", path])
          assert.match(stderr, /^error: .*\/r\.json: cannot create .*; choose a path/)
          assert.strictEqual(exit, 1)
        })
      )
    )
  }

  for (const words of [
    ["sweep", "plan.yaml"],
    ["find", "fewest-workers", "a.jsonl", "--where=p99_ttft_ms < 1 h"]
  ]) {
    it.effect(`need a folder for results: ${words[0]}`, () =>
      inFolder(
        Effect.gen(function* () {
          const { exit, stderr } = yield* program([...words, "--results", "a.jsonl"])
          assert.strictEqual(
            stderr,
            "error: --results: a.jsonl is no folder; give the name of a folder, or of one to make"
          )
          assert.strictEqual(exit, 2)
        })
      )
    )
  }

  it.effect("of a sweep are known to be impossible before anything is run", () =>
    inFolder(
      Effect.gen(function* () {
        for (const words of [
          ["--csv", "a.jsonl/x.csv"],
          ["--winners", "a.jsonl/x"]
        ]) {
          const { exit, stderr } = yield* program(["sweep", "plan.yaml", ...words])
          assert.match(stderr, /^error: a\.jsonl\/x(\.csv)?: cannot create .*; choose a path/)
          assert.strictEqual(exit, 1)
        }
      })
    )
  )

  const names = {
    "--report-json": "r.json",
    "--csv": "r.csv",
    "--report-jsonl": "l.jsonl",
    "--series": "s.csv",
    "--timeline": "t.json",
    "--html": "p.html"
  }
  for (const full of [...Object.keys(names).map((flag) => [flag]), ["--report-jsonl", "--csv", "--timeline"]]) {
    it.effect.skipIf(!existsSync("/dev/full"))(`cost no other where there is no room for ${full.join(" and ")}`, () =>
      Effect.acquireUseRelease(
        Effect.sync(() => new Folder({ "a.jsonl": row })),
        (folder) =>
          Effect.gen(function* () {
            const isFull = (flag: string) => full.includes(flag)
            const written = Object.entries(names).map(
              ([flag, name]) => [flag, isFull(flag) ? `full-${name}` : name] as const
            )
            for (const [flag, name] of written) if (isFull(flag)) symlinkSync("/dev/full", name)
            const { exit, stderr, stdout } = yield* program(["replay", "a.jsonl", "--quiet", ...written.flat()])
            const lost = written.filter(([flag]) => isFull(flag)).map(([, name]) => name)
            const told = stderr.split("\n").map((line) => /^error: ([^:]+): cannot be written \(ENOSPC/.exec(line)?.[1])
            assert.sameMembers(told, lost)
            assert.strictEqual(exit, 1)
            assert.match(stdout, /Time to First Token/)
            assert.strictEqual(stdout.includes("Saved full report to"), !isFull("--report-json"))
            const rest = written.filter(([flag]) => !isFull(flag)).map(([, name]) => name)
            assert.deepStrictEqual(folder.added(), rest.toSorted())
          }),
        (folder) => Effect.sync(() => folder.leave())
      )
    )
  }

  it.effect.skipIf(!existsSync("/dev/full"))("of several seeds are those for which there is room", () =>
    programIn(
      { "a.jsonl": row },
      ["replay", "a.jsonl", "--seeds=2", "--report-json=/dev/full", "--csv=-"],
      ({ exit, stderr, stdout }) => {
        assert.strictEqual(exit, 1)
        assert.match(stderr, /2 runs, seeds 42 to 43/)
        assert.match(stderr, /^error: \/dev\/full: cannot be written/m)
        assert.notInclude(stderr, "Saved")
        assert.strictEqual(stdout.trim().split("\n").length, 3)
      }
    )
  )

  for (const argv of [
    ["replay", "a.jsonl", "--report-json=/dev/full"],
    ["replay", "a.jsonl", "--report-json=/dev/full", "--seeds=2"],
    ["sweep", "plan.yaml", "--threads=1", "--csv=/dev/full"],
    ["compare", "r.json", "r.json", "--html=/dev/full"]
  ]) {
    it.effect.skipIf(!existsSync("/dev/full"))(`cost no condition: ${argv.join(" ")}`, () =>
      Effect.acquireUseRelease(
        Effect.sync(() => new Folder({ "a.jsonl": row, "plan.yaml": plan })),
        () =>
          Effect.gen(function* () {
            yield* program(["replay", "a.jsonl", "--report-json=r.json"])
            const { exit, stderr } = yield* program([...argv, "--fail-if=p99_ttft_ms > 0 ms"])
            assert.match(
              stderr,
              /^error: \/dev\/full: cannot be written .*\nerror: --fail-if: p99_ttft_ms is [\d.]+, > 0 ms[^\n]*$/m
            )
            assert.strictEqual(exit, 1)
          }),
        (folder) => Effect.sync(() => folder.leave())
      )
    )
  }

  it.effect.skipIf(!existsSync("/dev/full"))("cost no answer of a search", () =>
    programIn(
      { "a.jsonl": row },
      [
        "find",
        "fewest-workers",
        "a.jsonl",
        "--where=p99_ttft_ms < 0.001 ms",
        "--threads=1",
        "--max-workers=1",
        "--json=/dev/full"
      ],
      ({ exit, stderr }) => {
        assert.match(stderr, /^error: \/dev\/full: cannot be written .*\nerror: Out of reach: [^\n]*$/)
        assert.strictEqual(exit, 1)
      }
    )
  )

  it.effect.skipIf(!existsSync("/dev/full"))("leave no empty line where there is nothing to print", () =>
    programIn({ "a.jsonl": row }, ["replay", "a.jsonl", "--table=none", "--report-json=/dev/full"], ({ stdout }) =>
      assert.strictEqual(stdout, "")
    )
  )

  for (const argv of [
    ["sweep", "plan.yaml", "--threads=1", "--json=/dev/stdout"],
    ["find", "fewest-workers", "a.jsonl", "--where=p99_ttft_ms < 1 h", "--threads=1", "--json=/dev/fd/1"]
  ]) {
    it.effect(`leave standard output to the one that goes there: ${argv[0]}`, () =>
      programIn({ "a.jsonl": row, "plan.yaml": plan }, argv, ({ exit, stderr, stdout }) => {
        assert.strictEqual(exit, 0, stderr)
        assert.isObject(JSON.parse(stdout))
        assert.match(stderr, /num-workers/)
      })
    )
  }

  it.effect("are named without what a terminal obeys", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => new Folder({ "a.jsonl": row })),
      () =>
        Effect.map(program(["replay", "a.jsonl", "--report-json", "r\u001b[2J.json"]), ({ stdout }) => {
          assert.match(stdout, /^Saved full report to: r\\u001b\[2J\.json$/m)
        }),
      (folder) => Effect.sync(() => folder.leave())
    )
  )
})
