import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { shippedTables } from "../../../src/timing/aic/AicData.ts"
import { openTableFile } from "../../../src/timing/aic/TableFile.ts"

const slices = [
  ["h100_sxm", "vllm", "0.19.0"],
  ["h100_sxm", "sglang", "0.5.10"],
  ["h200_sxm", "vllm", "0.19.0"],
  ["h200_sxm", "sglang", "0.5.10"]
] as const

const shippedFile = () => readFileSync(new URL("../../../data/aic/tables/h200_sxm-vllm-0.19.0.bin", import.meta.url))

describe("table files", () => {
  for (const [system, backend, version] of slices) {
    it.effect(`of ${system} ${backend} ${version} hold sorted, distinct rows of positive latency`, () =>
      Effect.gen(function* () {
        const tables = yield* shippedTables(system, backend, version)
        assert.includeMembers(
          [...tables.sectionNames],
          [
            "gemm/bfloat16",
            "gemm/fp8_block",
            "context_attention/bfloat16/fp8",
            "generation_attention/fp8",
            "moe/fp8_block",
            "all_reduce",
            "all_gather",
            "reduce_scatter"
          ]
        )
        for (const name of tables.sectionNames) {
          const { columns, latencyMs, rows } = yield* tables.section(name)
          const keys = Object.values(columns)
          assert.isAbove(rows, 0, name)
          for (let row = 0; row < rows; row++) {
            if (!(latencyMs[row]! > 0)) assert.fail(`${name}: row ${row} has latency ${latencyMs[row]}`)
            const changed = keys.find((key) => key[row] !== key[row - 1])
            if (row > 0 && !(changed !== undefined && changed[row]! > changed[row - 1]!)) {
              assert.fail(`${name}: row ${row} is not after its predecessor`)
            }
          }
        }
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it.effect("read the same from any offset of a larger buffer", () =>
    Effect.gen(function* () {
      const file = shippedFile()
      const shifted = new Uint8Array(file.length + 3)
      shifted.set(file, 3)
      const whole = yield* (yield* openTableFile(file, "file")).section("all_reduce")
      const part = yield* (yield* openTableFile(shifted.subarray(3), "file")).section("all_reduce")
      assert.deepStrictEqual(part, whole)
    })
  )

  it.effect("say so when they are damaged", () =>
    Effect.gen(function* () {
      const file = Uint8Array.from(shippedFile())
      const other = yield* Effect.flip(openTableFile(new TextEncoder().encode("DYNAIC99...."), "x.bin"))
      assert.include(other.message, "x.bin: cannot read the performance tables: not a table file")
      const cut = yield* openTableFile(file.subarray(0, file.length - 100), "x.bin")
      const error = yield* Effect.flip(cut.section(cut.sectionNames.at(-1)!))
      assert.include(error.message, "reinstall the package")
    })
  )
})
