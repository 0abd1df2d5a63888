/** What runs share makes no difference to them, and is read once. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { GivenOptions } from "../../src/config/GivenOptions.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import * as Run from "../../src/run/Run.ts"
import * as SharedInputs from "../../src/run/SharedInputs.ts"
import { ReusedColumns } from "../../src/simulation/ReusedColumns.ts"
import { SpareColumns } from "../../src/structures/SpareColumns.ts"
import { timeless } from "../../src/sweep/CellStore.ts"

const rows = (first: number): string =>
  Array.from({ length: 30 }, (_, row) =>
    JSON.stringify({ timestamp: row * 50, input_length: 900, output_length: 7, hash_ids: [row % 4, first + row] })
  ).join("\n")

const blockSize32 = { _tag: "Text", flag: "--extra-engine-args", text: JSON.stringify({ block_size: 32 }) } as const

const reportOf = (given: GivenOptions) =>
  Effect.map(Run.report(Result.getOrThrow(validateReplayOptions(given))), timeless)

/** How often the files whose names contain `part` were opened from their start and read to their end. */
const counting = (part: string) => {
  let count = 0
  const layer = Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (files) =>
      FileSystem.FileSystem.of({
        ...files,
        stream: (path, options) => {
          if (path.includes(part) && options?.bytesToRead === undefined) count += 1
          return files.stream(path, options)
        },
        readFile: (path) => {
          if (path.includes(part)) count += 1
          return files.readFile(path)
        }
      })
    )
  ).pipe(Layer.provideMerge(NodeServices.layer))
  return { layer, count: () => count }
}

const inFolder = <A, E>(use: (folder: string) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "dynosim-shared-"))),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

describe("inputs that runs share", () => {
  it.effect("leave every report as it is, and each trace is read once", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const traces = ["a", "b", "c", "d", "e"].map((name, index) => {
          const file = join(folder, `${name}.jsonl`)
          writeFileSync(file, rows(100 * (index + 1)))
          return file
        })
        const cases: ReadonlyArray<GivenOptions> = traces.flatMap((trace) => [
          { traces: [trace] },
          { traces: [trace], numWorkers: 3, routerMode: "kv_router" },
          { traces: [trace], numWorkers: 3, extraEngineArgs: blockSize32 },
          { traces: [trace], replayConcurrency: 2 },
          { traces: [trace], arrivalSpeedupRatio: 4 }
        ])
        const alone = yield* Effect.forEach(cases, reportOf).pipe(Effect.provide(NodeServices.layer))
        const { count, layer } = counting("a.jsonl")
        const shared = yield* Effect.forEach(cases, reportOf).pipe(
          Effect.provide(SharedInputs.layer),
          Effect.provide(layer)
        )
        assert.deepStrictEqual(shared, alone)
        assert.strictEqual(Object.values(shared[0]!.dynosim.input_sha256 ?? {}).length, 1)
        assert.strictEqual(count(), 1)
      })
    )
  )

  it.effect("open a table file once, and time runs alike", () =>
    Effect.gen(function* () {
      const aic = (tp: number): GivenOptions => ({
        traces: [],
        inputTokens: 300,
        outputTokens: 5,
        requestCount: 6,
        extraEngineArgs: {
          _tag: "Text",
          flag: "--extra-engine-args",
          text: JSON.stringify({
            aic_backend: "vllm",
            aic_system: "h200_sxm",
            aic_model_path: "Qwen/Qwen3-32B",
            aic_tp_size: tp
          })
        }
      })
      const cases = [aic(1), aic(2), aic(4)]
      const alone = yield* Effect.forEach(cases, reportOf).pipe(Effect.provide(NodeServices.layer))
      const { count, layer } = counting("h200_sxm-vllm")
      const shared = yield* Effect.forEach(cases, reportOf).pipe(
        Effect.provide(SharedInputs.layer),
        Effect.provide(layer)
      )
      assert.deepStrictEqual(shared, alone)
      assert.strictEqual(count(), 1)
    })
  )

  it.effect("leave their columns to each other, one after the other and side by side", () =>
    Effect.gen(function* () {
      const load = { traces: [], inputTokens: 4000, outputTokens: 20, requestCount: 50, arrivalIntervalMs: 20 }
      const engine = (args: object): GivenOptions => ({
        ...load,
        extraEngineArgs: { _tag: "Text", flag: "--extra-engine-args", text: JSON.stringify(args) }
      })
      const tiers = { kv_bytes_per_token: 1000, num_g2_blocks: 4096, num_gpu_blocks: 1024 }
      const cases: ReadonlyArray<GivenOptions> = [
        load,
        { ...load, numWorkers: 3, routerMode: "kv_router" },
        { ...load, sharedPrefixRatio: 0.5, numPrefixGroups: 3 },
        engine({ num_gpu_blocks: 512 }),
        engine({ engine_type: "sglang" }),
        engine({ ...tiers, offload_policy: "on_evict" }),
        engine({ ...tiers, offload_policy: "write_through" })
      ]
      const alone = yield* Effect.forEach(cases, reportOf).pipe(Effect.provide(NodeServices.layer))
      let reused = 0
      class Counted extends SpareColumns {
        override take(length: number) {
          const column = super.take(length)
          // Whatever is left in them makes no difference.
          if (column !== undefined) reused += column.fill(-77).length
          return column
        }
      }
      const again = [...cases, ...cases.toReversed()]
      for (const concurrency of [1, 3]) {
        reused = 0
        const shared = yield* Effect.forEach(again, reportOf, { concurrency }).pipe(
          Effect.provideService(ReusedColumns, new Counted()),
          Effect.provide(NodeServices.layer)
        )
        assert.deepStrictEqual(shared, [...alone, ...alone.toReversed()])
        assert.isAbove(reused, 10_000)
      }
    })
  )

  it.effect("do not remember what could not be read", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "late.jsonl")
        const missing = yield* Effect.flip(reportOf({ traces: [file] }))
        assert.include(missing.message, "late.jsonl")
        writeFileSync(file, rows(7))
        const { completed_requests } = yield* reportOf({ traces: [file] })
        assert.strictEqual(completed_requests, 30)
      }).pipe(Effect.provide(SharedInputs.layer), Effect.provide(NodeServices.layer))
    )
  )
})
