/** `dynosim sweep` as users meet it: results that last, shards that add up, threads that may die. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { threadRunner } from "../../src/cli/SweepThreads.ts"
import { unclaimed } from "../../src/cli/ThreadMessages.ts"
import { plan as parsed, summaryOf } from "../sweep/Plans.ts"
import { parseAllDocuments } from "yaml"
import { program } from "./Program.ts"

const bin = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")

const plan = (
  requests: number
) => `base: {input-tokens: 2000, output-tokens: 50, request-count: ${requests}, arrival-interval-ms: 5}
axes:
  num-workers: [1, 2, 3]
  extra-engine-args.max_num_seqs: [4, 8]
constraints: [p99_ttft_ms < 1 h]
objective: minimise mean_ttft_ms
`

const inFolder = <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-sweep-"))
  return use(folder).finally(() => rmSync(folder, { recursive: true, force: true }))
}

const run = (...words: ReadonlyArray<string>) => Effect.runPromise(program(words))

const cells = (results: string): ReadonlyArray<string> =>
  existsSync(join(results, "cells"))
    ? readdirSync(join(results, "cells")).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
    : []

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
}

describe("dynosim sweep", () => {
  it(
    "goes on after a kill, computes nothing again, and ends like an undisturbed one",
    () =>
      inFolder(async (folder) => {
        const file = join(folder, "plan.yaml")
        writeFileSync(file, plan(3000))
        const results = join(folder, "killed")
        const child = spawn(process.execPath, [bin, "sweep", file, "--results", results, "--threads", "1"], {
          stdio: "ignore"
        })
        while (cells(results).length < 2 && child.exitCode === null) await pause(5)
        child.kill("SIGKILL")
        await ended(child)
        const before = new Map(cells(results).map((name) => [name, statSync(join(results, "cells", name)).mtimeMs]))
        assert.isAtLeast(before.size, 2)
        const resumed = await run(
          "sweep",
          file,
          "--results",
          results,
          "--json",
          join(folder, "a.json"),
          "--threads",
          "1"
        )
        assert.strictEqual(resumed.exit, 0, resumed.stderr)
        for (const [name, time] of before) assert.strictEqual(statSync(join(results, "cells", name)).mtimeMs, time)
        const whole = join(folder, "whole")
        const undisturbed = await run(
          "sweep",
          file,
          "--results",
          whole,
          "--json",
          join(folder, "b.json"),
          "--threads",
          "2"
        )
        assert.strictEqual(resumed.stdout, undisturbed.stdout)
        assert.strictEqual(readFileSync(join(folder, "a.json"), "utf8"), readFileSync(join(folder, "b.json"), "utf8"))
        for (const name of cells(whole)) {
          assert.strictEqual(
            readFileSync(join(whole, "cells", name), "utf8"),
            readFileSync(join(results, "cells", name), "utf8")
          )
        }
      }),
    120_000
  )

  it(
    "merges shards to what one machine gives, byte for byte",
    () =>
      inFolder(async (folder) => {
        const file = join(folder, "plan.yaml")
        writeFileSync(file, plan(20))
        const outputs = (name: string) => [
          "--csv",
          join(folder, `${name}.csv`),
          "--best-config",
          join(folder, `${name}.json`)
        ]
        const whole = await run(
          "sweep",
          file,
          "--results",
          join(folder, "whole"),
          "--threads",
          "1",
          ...outputs("whole")
        )
        assert.strictEqual(whole.exit, 0, whole.stderr)
        const parts = ["0/3", "1/3", "2/3"].map((shard) => [shard, join(folder, shard.replace("/", "-"))] as const)
        for (const [shard, results] of parts) {
          const part = await run("sweep", file, "--results", results, "--shard", shard, "--threads", "1")
          assert.strictEqual(part.exit, 0, part.stderr)
          assert.strictEqual(cells(results).length, 2)
        }
        const folders = parts.map(([, results]) => results)
        const merged = await run(
          "sweep",
          "merge",
          ...folders,
          "--results",
          join(folder, "merged"),
          ...outputs("merged")
        )
        assert.strictEqual(merged.exit, 0, merged.stderr)
        assert.strictEqual(merged.stdout, whole.stdout)
        for (const ending of ["csv", "json"]) {
          assert.strictEqual(
            readFileSync(join(folder, `merged.${ending}`), "utf8"),
            readFileSync(join(folder, `whole.${ending}`), "utf8")
          )
        }
        assert.deepStrictEqual(cells(join(folder, "merged")), cells(join(folder, "whole")))
        const best = await run(
          "replay",
          "--config",
          join(folder, "whole.json"),
          "--report-json",
          join(folder, "best.json")
        )
        assert.strictEqual(best.exit, 0, best.stderr)
      }),
    120_000
  )

  it(
    "says which runs are next, and judges what it recommends once there are none",
    () =>
      inFolder(async (folder) => {
        const file = join(folder, "plan.yaml")
        writeFileSync(file, plan(2))
        const results = join(folder, "r")
        const before = await run("sweep", "next", file, "--results", results)
        assert.strictEqual(before.stdout.trim().split("\n").length, 6, before.stderr)
        const judged = (condition: string, ...words: ReadonlyArray<string>) =>
          run("sweep", file, "--results", results, "--threads", "1", "--quiet", "--fail-if", condition, ...words)
        const part = await judged("total_gpus > 0", "--shard", "1/2")
        assert.strictEqual(part.exit, 0)
        assert.match(part.stderr, /note: --fail-if looks at whole sweeps, and runs of other shards are missing/)
        const between = await run("sweep", "next", file, "--results", results)
        assert.deepStrictEqual(
          between.stdout
            .trim()
            .split("\n")
            .map((line) => /"index":(\d+)/.exec(line)?.[1]),
          ["0", "2", "4"]
        )
        const round = () => readFileSync(join(results, "round.jsonl"), "utf8")
        assert.strictEqual(round().trim(), between.stdout.trim())
        const bad = await judged("total_gpus > 0", "--fail-if", "p99_ttft_ms > 1 h")
        assert.strictEqual(bad.exit, 3)
        assert.match(
          bad.stderr,
          /^error: --fail-if: total_gpus is \d, > 0 \(num-workers \d, extra-engine-args\.max_num_seqs \d\)$/
        )
        assert.match(bad.stdout, /6 combinations run/)
        assert.strictEqual((await judged("total_gpus > 100")).exit, 0)
        assert.match((await judged("gpus > 100")).stderr, /^error: --fail-if: .* is not a number in the report/)
        const demanding = join(folder, "demanding.yaml")
        writeFileSync(demanding, plan(2).replace("1 h", "1 us"))
        const none = await run(
          "sweep",
          demanding,
          "--results",
          results,
          "--threads",
          "1",
          "--fail-if",
          "total_gpus > 9"
        )
        assert.strictEqual(none.exit, 3)
        assert.match(none.stderr, /error: --fail-if: no combination meets the constraints/)
        const after = await run("sweep", "next", file, "--results", results)
        assert.strictEqual(after.stdout.trim(), "nothing is left to run")
        assert.strictEqual(round(), "")
        // What a round lists is what is then kept under its name.
        for (const line of before.stdout.trim().split("\n"))
          assert.include(cells(results), `${JSON.parse(line).id}.json`)
      }),
    120_000
  )

  it(
    "ends with status 3 where what is looked for is out of reach",
    () =>
      inFolder(async (folder) => {
        const file = join(folder, "plan.yaml")
        const bounded = (bound: string) =>
          plan(20).replace("p99_ttft_ms < 1 h", bound).replace("axes:", "find: num-workers\naxes:")
        writeFileSync(file, bounded("p99_ttft_ms < 1 us"))
        const words = ["sweep", file, "--results", join(folder, "r"), "--threads", "1"]
        const missed = await run(...words)
        assert.strictEqual(missed.exit, 3)
        const [line, ...others] = missed.stderr.trim().split("\n")
        assert.strictEqual(others.length, 1)
        assert.match(
          line!,
          /^error: extra-engine-args.max_num_seqs 4: out of reach: p99_ttft_ms < 1 us is not met .* The floor: /
        )
        writeFileSync(file, bounded("p99_ttft_ms < 1 h"))
        const met = await run(...words)
        assert.strictEqual(met.exit, 0, met.stderr)
        assert.include(met.stdout, "num-workers 1 is the first that meets p99_ttft_ms < 1 h")
        const load = "--input-tokens 500 --output-tokens 5 --request-count 4 --arrival-interval-ms 5".split(" ")
        const few = "--max-workers 2 --threads 1 --where".split(" ")
        const find = await run("find", "fewest-workers", ...load, ...few, "p99_ttft_ms < 1 us")
        assert.strictEqual(find.exit, 3)
        // A grid ends such runs where it is told to, in its threads as well.
        writeFileSync(file, plan(20).replace("p99_ttft_ms < 1 h", "p99_ttft_ms < 1 us").concat("stop_early: true\n"))
        const elsewhere = ["--results", join(folder, "early"), "--threads", "1"]
        const early = await run("sweep", file, ...elsewhere, "--csv", join(folder, "early.csv"))
        assert.strictEqual(early.exit, 0, early.stderr)
        assert.strictEqual(early.stdout.match(/^stopped /gm)?.length, 6)
        assert.include(
          readFileSync(join(folder, "early.csv"), "utf8"),
          "p99_ttft_ms < 1 us is broken for good after 1 of 20"
        )
        assert.match(
          find.stderr,
          /^error: Out of reach: p99_ttft_ms < 1 us is not met with up to 2 workers.* The floor: .*$/
        )
        assert.include(find.stdout, "The floor: with one request in flight at a time")
      }),
    120_000
  )

  it("writes over nothing that its runs read, and over nothing that it keeps", () =>
    inFolder(async (folder) => {
      const at = (name: string) => join(folder, name)
      const row = `${JSON.stringify({ timestamp: 0, input_length: 4, output_length: 2, hash_ids: [1] })}\n`
      writeFileSync(at("trace.jsonl"), row)
      writeFileSync(at("engine.json"), JSON.stringify({ num_gpu_blocks: 64 }))
      const profile = JSON.stringify(JSON.stringify({ planner_profile_data: at("profile.npz") }))
      writeFileSync(at("profile.npz"), "times")
      writeFileSync(
        at("plan.yaml"),
        `base: {traces: ${at("trace.jsonl")}}\naxes: {extra-engine-args: [${profile}, {num_gpu_blocks: 64}]}\nobjective: minimise total_gpus\n`
      )
      const results = at("plan.results")
      const sweep = ["sweep", at("plan.yaml"), "--csv"]
      const find = [..."find fewest-workers --where".split(" "), "p99_ttft_ms < 1 h"]
      writeFileSync(at("run.yaml"), `traces: ${at("trace.jsonl")}\nextra-engine-args: "@${at("engine.json")}"\n`)
      const configured = [...find, "--config", at("run.yaml")]
      const before = readdirSync(folder).map((name) => [name, readFileSync(at(name), "utf8")])
      const cases: ReadonlyArray<readonly [what: string, path: string, ...words: ReadonlyArray<string>]> = [
        ["the input", at("trace.jsonl"), ...sweep],
        ["the input", at("profile.npz"), ...sweep],
        ["the plan", at("plan.yaml"), ...sweep],
        ["the results folder", results, ...sweep],
        ["the results folder", join(results, "cells"), ...sweep],
        ["the kept plan", join(results, "plan.yaml"), ...sweep],
        ["the input", at("trace.jsonl"), ...find, at("trace.jsonl"), "--json"],
        ["the input", at("trace.jsonl"), ...configured, "--json"],
        ["the configuration file", at("run.yaml"), ...configured, "--best-config"],
        ["the file of --extra-engine-args", at("engine.json"), ...configured, "--best-config"]
      ]
      for (const [what, path, ...words] of cases) {
        const { exit, stderr } = await run(...words, path)
        const message = `error: ${words.at(-1)}: ${path} is ${what} ${path}, which it would overwrite; choose another path`
        assert.deepStrictEqual([exit, stderr.trimEnd()], [2, message])
      }
      assert.deepStrictEqual(
        readdirSync(folder).map((name) => [name, readFileSync(at(name), "utf8")]),
        before
      )
    }))

  it("writes winners into a folder that is there, and names those of earlier sweeps", () =>
    inFolder(async (folder) => {
      const [file, winners] = [join(folder, "plan.yaml"), join(folder, "winners")]
      writeFileSync(file, plan(2).replace("[1, 2, 3]", "[1]").replace("[4, 8]", "[4]"))
      const again = () => run("sweep", file, "--threads", "1", "--winners", winners)
      const first = await again()
      assert.deepStrictEqual([first.exit, first.stderr], [0, ""])
      for (const name of ["pareto-3.json", "notes.txt"]) writeFileSync(join(winners, name), "")
      const second = await again()
      assert.deepStrictEqual([second.exit, second.stderr], [0, ""])
      const remark = `${winners} still holds winners of an earlier sweep: pareto-3.json`
      assert.strictEqual(second.stdout.trimEnd(), `${first.stdout.trimEnd()}\n${remark}`)
      const onFile = await run("sweep", file, "--threads", "1", "--winners", join(winners, "best.json"))
      assert.deepStrictEqual(
        [onFile.exit, onFile.stderr.trimEnd()],
        [
          2,
          `error: --winners: ${join(winners, "best.json")} is no folder; give the name of a folder, or of one to make`
        ]
      )
    }))

  it.effect("fails the run, not the sweep, when a thread dies, and starts another", () =>
    Effect.gen(function* () {
      const read = parsed(`${plan(2)}seeds: [1, 2]`)
      const mortal = new URL(
        'data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(9))'
      )
      const { candidates, failed } = yield* summaryOf(read, threadRunner(1, mortal))
      assert.strictEqual(candidates.length, 0)
      assert.strictEqual(failed.length, 12)
      for (const { reason } of failed) assert.strictEqual(reason, "the thread died with code 9")
    })
  )

  it("tells threads to end, and waits for them; those that do not listen are torn out of their run", () =>
    inFolder(async (folder) => {
      const said = join(folder, "said")
      const thread = (answer: string, end: string) =>
        new URL(
          'data:text/javascript,import { parentPort } from "node:worker_threads"; import { appendFileSync } from "node:fs"; '
            + `parentPort.on("message", (message) => { appendFileSync(${JSON.stringify(said)}, message.config ? "task " : message); `
            + `if (message === "end") { ${end} } else { ${answer} } })`
        )
      const read = parsed(`${plan(2)}seeds: [1]`)
      const outcome = 'parentPort.postMessage({ _tag: "Failed", reason: "as asked" })'
      const { failed } = await Effect.runPromise(
        summaryOf(read, threadRunner(1, thread(outcome, "parentPort.close()")))
      )
      assert.strictEqual(failed.length, 6)
      assert.strictEqual(readFileSync(said, "utf8"), `${"task ".repeat(6)}end`)
      rmSync(said)
      const fiber = Effect.runFork(summaryOf(read, threadRunner(1, thread("", ""), 5)))
      while (!existsSync(said)) await pause(5)
      await Effect.runPromise(Fiber.interrupt(fiber))
      assert.match(readFileSync(said, "utf8"), /^(task ){1,2}(end)?$/)
    }))

  it("leaves a run in the middle when it is told to end, without being torn out of it", async () => {
    const worker = new Worker(new URL("../../src/cli/SweepWorker.ts", import.meta.url))
    const answers: Array<unknown> = []
    worker.on("message", (answer) => answers.push(answer))
    const ended = once(worker, "exit")
    const load = { "input-tokens": 2000, "output-tokens": 50, "request-count": 10_000_000, "arrival-interval-ms": 5 }
    for (const message of [{ config: JSON.stringify(load), constraints: [], claim: unclaimed() }, "end"]) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(message)
    }
    assert.deepStrictEqual(await ended, [0])
    assert.deepStrictEqual(answers, [])
  })

  it("keeps a thread to runs of one kind while there are any", () =>
    inFolder(async (folder) => {
      const said = join(folder, "said")
      const thread = new URL(
        'data:text/javascript,import { parentPort } from "node:worker_threads"; import { appendFileSync } from "node:fs"; '
          + 'parentPort.on("message", (message) => { if (message === "end") parentPort.close(); '
          + `else { appendFileSync(${JSON.stringify(said)}, message.config.includes("kv_router") ? "k" : "r"); `
          + 'parentPort.postMessage({ _tag: "Failed", reason: "as asked" }) } })'
      )
      const mixed = plan(2)
        .replace("[1, 2, 3]", "[2, 3]")
        .replace("constraints", "  router-mode: [round_robin, kv_router]\nconstraints")
      await Effect.runPromise(summaryOf(parsed(mixed), threadRunner(1, thread)))
      assert.strictEqual(readFileSync(said, "utf8"), "rrrrkkkk")
    }))

  it("prints job files of a plan, and says what they lack", () =>
    inFolder(async (folder) => {
      const file = join(folder, "plan.yaml")
      writeFileSync(file, plan(2))
      const slurm = await run("sweep", "slurm", file, "--shards", "3", "--partition", "cpu")
      assert.strictEqual(slurm.exit, 0, slurm.stderr)
      assert.match(slurm.stdout, /^#!.*\n#SBATCH --job-name=dynosim-plan\n#SBATCH --array=0-2\n/)
      assert.notInclude(slurm.stdout, "sweep next")
      writeFileSync(file, plan(2).replace("mean_ttft_ms", "total_gpus").concat("stop_early: true\n"))
      const inRounds = await run("sweep", "slurm", file, "--shards", "3")
      assert.include(inRounds.stdout, "sweep next", "fewest GPUs first are rounds")
      writeFileSync(file, plan(2))
      const pods = ["sweep", "kubernetes", file, "--shards", "3"]
      const kubernetes = await run(...pods, "--image", "dynosim:0.1", "--claim", "traces")
      assert.strictEqual(kubernetes.exit, 0, kubernetes.stderr)
      const [configMap, job] = parseAllDocuments(kubernetes.stdout).map((document) => document.toJS())
      assert.deepStrictEqual(configMap.data, { "plan.yaml": plan(2) })
      assert.includeMembers(job.spec.template.spec.containers[0].args, ["plan.results", "env/3"])
      for (const [words, problem] of [
        [["sweep", "slurm", file], "--shards: is missing"],
        [["sweep", "slurm", file, "--shards", "3", "--partition", "a b"], "cannot stand in a line of #SBATCH"],
        [["sweep", "slurm", join(folder, "x.yaml"), "--shards", "3"], "cannot read"],
        [pods, "--image: is missing"],
        [[...pods, "--image", "x"], "--claim: is missing"]
      ] as const) {
        const { exit, stderr } = await run(...words)
        assert.strictEqual(exit, 2)
        assert.include(stderr, problem)
      }
    }))

  it("explains what it cannot do, in one line", () =>
    inFolder(async (folder) => {
      const file = join(folder, "plan.yaml")
      const errorOf = async (...words: ReadonlyArray<string>): Promise<string> => {
        const { exit, stderr } = await run("sweep", ...words)
        assert.strictEqual(exit, 2)
        assert.strictEqual(stderr.trim().split("\n").length, 1)
        return stderr.trim()
      }
      writeFileSync(file, "base: {traces: absent.jsonl}\nobjective: minimise total_gpus\n")
      assert.strictEqual(await errorOf(file), "error: the trace absent.jsonl: no such file")
      assert.include(await errorOf(join(folder, "x.yaml")), "cannot read")
      writeFileSync(file, plan(2))
      assert.include(
        await errorOf(file, "--shard", "4/4"),
        "--shard: part 4 of 4 does not exist; parts are numbered from 0 to 3"
      )
      assert.include(await errorOf(file, "--shard", "env/4"), "JOB_COMPLETION_INDEX")
      assert.include(await errorOf(file, "--csv", file), "which it would overwrite")
      mkdirSync(join(folder, "empty"))
      assert.include(
        await errorOf("merge", join(folder, "empty"), "--results", join(folder, "m")),
        "is not a results folder"
      )
      for (const name of ["plan.yaml", "plan.json"]) writeFileSync(join(folder, "empty", name), plan(2))
      assert.include(
        await errorOf("merge", join(folder, "empty"), "--results", join(folder, "m")),
        "has two plans, plan.yaml and plan.json"
      )
      assert.include(await errorOf("merge", join(folder, "empty")), "--results: is missing")
    }))
})

describe("a search", () => {
  const pools = {
    "num-prefill-workers": 1,
    "prefill-engine-args": { worker_type: "prefill" },
    "decode-engine-args": { worker_type: "decode" }
  }
  const load = "--input-tokens 500 --output-tokens 5 --request-count 4 --threads 1 --where".split(" ")

  it("looks for the load of two pools, but for no single number of their workers", () =>
    inFolder(async (folder) => {
      const config = join(folder, "pools.json")
      writeFileSync(config, JSON.stringify(pools))
      const words = [...load, "p99_ttft_ms < 1 h", "--config", config]
      const found = await run("find", "highest-load", ...words)
      assert.match(found.stdout, /^1024 times the load, .*: p99_ttft_ms < 1 h$/m)
      assert.strictEqual(found.exit, 0, found.stderr)
      const refused = await run("find", "fewest-workers", ...words)
      assert.match(refused.stderr, /^error: --prefill-engine-args: two pools have no single number of workers; list/)
      assert.strictEqual(refused.exit, 2)
    }))

  it("names the flag of a condition that is none", async () => {
    const { exit, stderr } = await run("find", "highest-load", ...load, "p99_tft_ms < 1 h")
    assert.match(stderr, /^error: --where: "p99_tft_ms < 1 h": .*did you mean p99_ttft_ms\?$/)
    assert.strictEqual(exit, 2)
  })

  it("has no flags that it refuses", async () => {
    for (const [question, flag] of [
      ["fewest-workers", "--decode-engine-args"],
      ["fewest-workers", "--seeds"],
      ["highest-load", "--seeds"]
    ] as const) {
      const { exit, stderr } = await run("find", question, ...load, "p99_ttft_ms < 1 h", flag, "2")
      assert.match(stderr, /^error: --[a-z-]+: unknown flag; /)
      assert.strictEqual(exit, 2)
    }
  })
})

describe("the environment", () => {
  it("does not decide a sweep or a search: what would is refused", () =>
    inFolder(async (folder) => {
      const file = join(folder, "plan.yaml")
      writeFileSync(file, plan(2))
      const policy = { DYN_ROUTER_POLICY_CONFIG: "policy.yaml" }
      const find = [
        "find",
        "fewest-workers",
        "--where",
        "p99_ttft_ms < 1 h",
        "--input-tokens",
        "10",
        "--output-tokens",
        "2"
      ]
      for (const words of [
        ["sweep", file],
        [...find, "--request-count", "2"]
      ]) {
        const { exit, stderr } = await Effect.runPromise(program(words, policy))
        assert.match(stderr, /^error: DYN_ROUTER_POLICY_CONFIG: is not read by sweeps and searches/m)
        assert.strictEqual(exit, 2)
      }
    }))
})
