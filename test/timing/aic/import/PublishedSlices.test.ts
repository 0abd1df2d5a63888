import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { strToU8 } from "fflate"
import { openPublishedData } from "../../../../src/timing/aic/import/PublishedData.ts"
import { packSlice, publishedSlices } from "../../../../src/timing/aic/import/PublishedSlices.ts"
import { openTableFile } from "../../../../src/timing/aic/TableFile.ts"
import { sliceName } from "../../../../src/timing/aic/TableSlices.ts"
import { type Files, parquet, publishedFiles, wheel } from "../../../support/PublishedTables.ts"

const inFolder = Effect.fnUntraced(function* (files: Files, below = "") {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, below, name)
    yield* fs.makeDirectory(path.dirname(file), { recursive: true })
    yield* fs.writeFile(file, bytes)
  }
  return folder
})

const inWheel = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(yield* fs.makeTempDirectoryScoped(), "toy.whl")
  yield* fs.writeFile(file, bytes)
  return file
})

const toy = { system: "toy", backend: "vllm", version: "0.10.0" }

const pack = Effect.fnUntraced(function* (source: string, quality = 1) {
  const data = yield* openPublishedData(source)
  const bytes = yield* packSlice(data, toy, { origin: data.origin, quality })
  return yield* openTableFile(bytes, sliceName(toy))
})

const messageOf = (source: string) => Effect.map(Effect.flip(pack(source)), (error) => error.message)

const at = "data/toy/vllm/0.10.0"

layer(NodeServices.layer)("published data", (it) => {
  it.effect("is found in a wheel and in folders of any usual shape, with the same hash", () =>
    Effect.gen(function* () {
      const fromWheel = yield* pack(yield* inWheel(wheel()))
      assert.strictEqual(fromWheel.header.source.origin, "aiconfigurator 9.9.1")
      assert.strictEqual(fromWheel.header.constants.memBandwidthBytesPerS, 2e12)
      for (const below of ["", "systems", "aiconfigurator/systems", "src/aiconfigurator/systems"]) {
        const { header } = yield* pack(yield* inFolder(publishedFiles(), below), 9)
        assert.strictEqual(header.sha256, fromWheel.header.sha256, below)
        assert.match(header.source.origin, /^folder /)
      }
    })
  )

  it.effect("lists the slices of known backends, and what is wrong with them", () =>
    Effect.gen(function* () {
      const slices = publishedSlices(yield* openPublishedData(yield* inWheel(wheel())))
      assert.deepStrictEqual(
        slices.map((slice) => [sliceName(slice), slice.flaw]),
        [
          ["toy-vllm-0.10.0", undefined],
          ["toy-vllm-0.11.0", "incomplete"],
          ["toy-vllm-0.12.0", "empty"],
          ["toy-vllm-0.9.0", undefined]
        ]
      )
    })
  )

  it.effect("gives sorted rows, the first of repeated ones, of whole modules the last", () =>
    Effect.gen(function* () {
      const { tables } = yield* pack(yield* inWheel(wheel()))
      assert.sameMembers(
        [...tables.sectionNames],
        [
          "gemm/bfloat16",
          "context_attention/bfloat16/bfloat16",
          "generation_attention/bfloat16",
          "context_mla/bfloat16/fp8",
          "mla_context_module/bfloat16/fp8/fp8_block",
          "all_reduce",
          "all_gather"
        ]
      )
      const gemm = yield* tables.section("gemm/bfloat16")
      assert.strictEqual(gemm.rows, 8)
      assert.deepStrictEqual(Array.from(gemm.columns["n"]!.subarray(0, 4)), [64, 64, 64, 64])
      assert.strictEqual(gemm.latencyMs[0], 2 * (1e-3 + 64 * 64 * 1e-14))
      const generation = yield* tables.section("generation_attention/bfloat16")
      assert.deepStrictEqual([...new Set(generation.columns["tokens"])], [2, 4097])
      assert.deepStrictEqual([...(yield* tables.section("context_mla/bfloat16/fp8")).latencyMs], [5])
      assert.deepStrictEqual([...(yield* tables.section("mla_context_module/bfloat16/fp8/fp8_block")).latencyMs], [7])
      assert.deepStrictEqual([...(yield* tables.section("all_reduce")).latencyMs], [0.01, 0.1])
    })
  )

  describe("is refused, with its place,", () => {
    const gemm = `${at}/gemm_perf.parquet`
    const row = { gemm_dtype: "bfloat16", m: 1, n: 64, k: 64, latency: 1 }
    const cases: ReadonlyArray<readonly [string, Files, ReadonlyArray<string>]> = [
      ["a Git LFS pointer", { [gemm]: strToU8("version https://git-lfs.github.com/spec/v1\n") }, ["Git LFS pointer"]],
      ["a file that is no Parquet", { [gemm]: strToU8("PAR1 nothing of the kind") }, ["cannot be read as Parquet"]],
      [
        "a missing column",
        { [gemm]: parquet([{ gemm_dtype: "bfloat16", m: 1, n: 1, latency: 1 }]) },
        ["no column 'k'"]
      ],
      [
        "a latency below 0",
        { [gemm]: parquet([row, { ...row, latency: -1 }]) },
        ["row 1, column 'latency': -1 is not a latency of 0 to 1000000000 ms"]
      ],
      ["a latency beyond all bounds", { [gemm]: parquet([{ ...row, latency: 1e308 }]) }, ["row 0, column 'latency'"]],
      ["a key below 0", { [gemm]: parquet([{ ...row, m: -3 }]) }, ["row 0, column 'm': -3 is not an integer of 0 to"]],
      ["a system file of another kind", { "toy.yaml": strToU8("gpu: [1, 2]") }, ["toy.yaml: "]]
    ]
    for (const [what, changed, wanted] of cases) {
      it.effect(what, () =>
        Effect.gen(function* () {
          const message = yield* messageOf(yield* inFolder({ ...publishedFiles(), ...changed }))
          for (const part of [...wanted, Object.keys(changed)[0]!.replace("data/", "")]) assert.include(message, part)
        })
      )
    }

    it.effect("a file that is no wheel, a wheel of something else, an empty folder", () =>
      Effect.gen(function* () {
        assert.include(yield* messageOf(yield* inWheel(strToU8("hello"))), "cannot be read as a wheel")
        assert.include(yield* messageOf(yield* inWheel(wheel().subarray(0, 2000))), "cannot be read as a wheel")
        assert.include(yield* messageOf(yield* inWheel(wheel({}))), "holds no AIConfigurator data")
        assert.include(yield* messageOf(yield* inFolder({})), "pip download --no-deps aiconfigurator==0.10.0")
        assert.include(yield* messageOf("/nowhere/at/all"), "/nowhere/at/all: cannot be read")
      })
    )
  })
})
