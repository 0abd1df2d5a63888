/** Runs from options: the library's report is the command's, and says what was really deployed. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type GivenOptions, readGivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import { type Report, wallClockKeys } from "../../src/report/Report.ts"
import { reportJson } from "../../src/report/ReportJson.ts"
import { Sha256 } from "../../src/run/InputHashes.ts"
import type { ReplayOptions } from "../../src/run/ReplayOptions.ts"
import * as Run from "../../src/run/Run.ts"
import type { RunProbe } from "../../src/simulation/RunProbe.ts"
import { SimulationView } from "../../src/simulation/SimulationView.ts"
import { Folder, program } from "../cli/Program.ts"

const rows = Array.from({ length: 40 }, (_, row) =>
  JSON.stringify({ timestamp: row * 100, input_length: 700, output_length: 9, hash_ids: [row % 5, 100 + row] })
).join("\n")

const json = (flag: string, value: unknown): JsonSetting => ({ _tag: "Text", flag, text: JSON.stringify(value) })

const optionsOf = (given: GivenOptions) => Result.getOrThrow(validateReplayOptions(given))

const reportOf = (given: GivenOptions): Effect.Effect<Report, Run.RunError> =>
  Run.report(optionsOf(given)).pipe(Effect.provide(NodeServices.layer))

const synthetic: GivenOptions = { traces: [], inputTokens: 256, outputTokens: 8, requestCount: 12 }

/** Runs an effect in a folder with the trace `a.jsonl`. */
const beside = <A, E>(run: (folder: Folder) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Folder({ "a.jsonl": rows })),
    run,
    (folder) => Effect.sync(() => folder.leave())
  )

/** The text of a report without what depends on the real time. */
const timeless = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !wallClockKeys.some((key) => line.includes(`"${key}"`)))
    .join("\n")

interface Case {
  readonly flags: ReadonlyArray<string>
  readonly given: Partial<GivenOptions>
}

const cases: Readonly<Record<string, Case>> = {
  "one worker": { flags: [], given: {} },
  "three workers behind a KV router, with a service level": {
    flags: ["--num-workers", "3", "--router-mode", "kv_router", "--sla-ttft-ms", "50"],
    given: { numWorkers: 3, routerMode: "kv_router", slaTtftMs: 50 }
  },
  "two pools in a closed loop": {
    flags: [
      ["--num-prefill-workers", "2", "--num-decode-workers", "1", "--replay-concurrency", "4"],
      ["--prefill-engine-args", '{"worker_type":"prefill"}', "--decode-engine-args", '{"worker_type":"decode"}']
    ].flat(),
    given: {
      numPrefillWorkers: 2,
      numDecodeWorkers: 1,
      replayConcurrency: 4,
      prefillEngineArgs: json("--prefill-engine-args", { worker_type: "prefill" }),
      decodeEngineArgs: json("--decode-engine-args", { worker_type: "decode" })
    }
  }
}

describe("Run.report", () => {
  for (const [name, { flags, given }] of Object.entries(cases)) {
    it.live(`is the command's report: ${name}`, () =>
      beside((folder) =>
        Effect.gen(function* () {
          const { exit, stderr } = yield* program(["replay", "a.jsonl", "--report-json", "r.json", ...flags])
          assert.strictEqual(exit, 0, stderr)
          const report = yield* reportOf({ traces: ["a.jsonl"], ...given })
          assert.strictEqual(timeless(reportJson(report)), timeless(folder.read("r.json")))
          assert.strictEqual(report.completed_requests, 40)
        })
      )
    )
  }

  it.live("names no hashes where the platform has none to offer", () =>
    beside(() =>
      Effect.gen(function* () {
        const hashed = yield* reportOf({ traces: ["a.jsonl"] })
        assert.hasAllKeys(hashed.dynosim.input_sha256, ["a.jsonl"])
        const plain = yield* Effect.provideService(reportOf({ traces: ["a.jsonl"] }), Sha256, undefined)
        assert.isUndefined(plain.dynosim.input_sha256)
      })
    )
  )

  it.live("fails with the error of the input", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(reportOf({ traces: ["/nowhere/trace.jsonl"] }))
      assert.strictEqual(missing._tag, "TraceError")
      const aic = { aic_backend: "vllm", aic_model_path: "/nowhere/model" }
      const engine = json("--extra-engine-args", aic)
      assert.strictEqual((yield* Effect.flip(reportOf({ ...synthetic, extraEngineArgs: engine })))._tag, "AicError")
    })
  )

  it.live("says what was really deployed where AIC sizes the KV pool", () =>
    Effect.gen(function* () {
      const engine = (args: object): GivenOptions => ({
        ...synthetic,
        extraEngineArgs: json("--extra-engine-args", {
          aic_backend: "vllm",
          aic_model_path: "Qwen/Qwen3-32B",
          aic_tp_size: 2,
          ...args
        })
      })
      const sized = yield* reportOf(engine({}))
      const [pool, ...others] = sized.dynosim.pools ?? []
      assert.isEmpty(others)
      assert.isDefined(pool)
      assert.strictEqual(pool.kv_pool_source, "aic")
      assert.strictEqual(pool.gpus_per_worker, 2)
      assert.notStrictEqual(pool.kv_blocks, 16_384)
      assert.strictEqual(pool.kv_tokens, pool.kv_blocks * pool.block_size)
      // Qwen3-32B: 64 layers of 8 heads of 128, keys and values in 16 bits.
      assert.strictEqual(pool.kv_gib, (pool.kv_tokens * 64 * 8 * 128 * 2 * 2) / 2 ** 30)
      assert.match(pool.timing_source, /vllm \d+\.\d+\.\d+/)
      assert.isAbove(pool.timed_pass_parts ?? 0, 0)
      assert.deepNestedInclude(sized.dynosim.options, { "deployment.engine.numGpuBlocks": pool.kv_blocks })
      const given = yield* reportOf(engine({ num_gpu_blocks: 500 }))
      assert.deepInclude(given.dynosim.pools?.[0], { kv_blocks: 500, kv_pool_source: "engine_args" })
    })
  )

  it.live("names the pools of a disaggregated deployment", () =>
    Effect.gen(function* () {
      const { dynosim } = yield* reportOf({ ...synthetic, ...cases["two pools in a closed loop"]?.given })
      assert.deepStrictEqual(
        dynosim.pools?.map(({ kv_gib, role, workers }) => [role, workers, kv_gib]),
        [
          ["prefill", 2, null],
          ["decode", 1, null]
        ]
      )
    })
  )
})

describe("Run.events", () => {
  it.live("ends early when it is told to, with a summary", () =>
    Effect.gen(function* () {
      const endless = optionsOf({ ...synthetic, requestCount: 500_000 })
      const events = yield* Stream.runCollect(Run.events(endless, { stopWhen: Effect.void })).pipe(
        Effect.provide(NodeServices.layer)
      )
      const last = events.at(-1)
      assert.strictEqual(last?._tag === "Summary" ? last.ended : undefined, "interrupted")
    })
  )

  for (const replayMode of ["offline", "online"] as const) {
    it.live(`has policies and probes, ${replayMode}: a failure of the one is the run's, the others look on`, () =>
      Effect.gen(function* () {
        const logged: Array<unknown> = []
        const logger = Logger.make(({ message }) => void logged.push(message))
        let passes = 0
        let ended = 0
        const probe: RunProbe = { pass: () => void (passes += 1), end: () => void (ended += 1) }
        const run = <E>(policy: Effect.Effect<unknown, E, SimulationView>) =>
          Run.report(optionsOf({ ...synthetic, replayMode }), { policies: [policy], probes: [probe] }).pipe(
            Effect.provide([NodeServices.layer, Logger.layer([logger])])
          )
        const looks = Effect.flatMap(SimulationView, (view) => Effect.log(`${view.workers().length} worker`))
        assert.strictEqual((yield* run(looks)).completed_requests, 12)
        assert.deepStrictEqual(logged, [["1 worker"]])
        assert.isAbove(passes, 0)
        assert.strictEqual(ended, 1)
        const failed = yield* Effect.flip(
          run(Effect.andThen(Effect.sleep("1 millis"), Effect.fail("too slow" as const)))
        )
        assert.strictEqual(failed, "too slow")
        assert.strictEqual(ended, 1)
        assert.strictEqual((yield* run(Effect.interrupt)).completed_requests, 12)
      })
    )
  }

  it.live("hands out a view of the run", () =>
    Effect.gen(function* () {
      let finished = (): number => -1
      const monitor: Run.RunControls["monitor"] = (view) => void (finished = view.finishedRequests)
      yield* Stream.runDrain(Run.events(optionsOf(synthetic), { monitor })).pipe(Effect.provide(NodeServices.layer))
      assert.strictEqual(finished(), 12)
    })
  )
})

describe("options of a run that nothing can be run by", () => {
  const valid = optionsOf(synthetic)
  const wrong: ReadonlyArray<readonly [changes: Partial<ReplayOptions>, flag: string, word: string]> = [
    [{ seed: 1.5 }, "seed", "1.5"],
    [{ seed: -1 }, "seed", "-1"],
    [{ maxSimTimeMs: -1000 }, "max-sim-time-seconds", "-1"],
    [{ maxSimTimeMs: Number.NaN }, "max-sim-time-seconds", "nan"],
    [{ serviceLevel: { ttftMs: -5 } }, "sla-ttft-ms", "-5"],
    [{ serviceLevel: { itlMs: Number.POSITIVE_INFINITY } }, "sla-itl-ms", "inf"],
    [{ serviceLevel: { e2eMs: 1e13 } }, "sla-e2e-ms", "1e13"]
  ]
  for (const [changes, flag, word] of wrong) {
    it.effect(`are refused in the words of the command: --${flag} ${word}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Run.report({ ...valid, ...changes })).pipe(Effect.provide(NodeServices.layer))
        const values = new Map([[flag, { _tag: "Text", flag: `--${flag}`, text: word } as const]])
        const [, expected] = Result.getOrThrow(Result.flip(readGivenOptions([], values))).message.split(": ")
        const [key, problem] = error.message.split(": ")
        assert.strictEqual(`--${key?.replaceAll("_", "-")}`, `--${flag}`)
        assert.strictEqual(problem?.replace(/, got .*/, ""), expected?.replace(/, got .*/, ""))
        assert.isAbove(problem?.length ?? 0, 20)
      })
    )
  }
})
