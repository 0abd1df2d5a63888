import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { openTableFile } from "../../../src/timing/aic/TableFile.ts"
import { openSlice, sliceName, slices } from "../../../src/timing/aic/TableSlices.ts"

const atHand = await Effect.runPromise(Effect.provide(slices, NodeServices.layer))

const shippedFile = () => readFileSync(new URL("../../../data/aic/tables/h200_sxm-vllm-0.19.0.bin", import.meta.url))

describe("table files", () => {
  it("come with the package for Hopper, Blackwell, Ampere and Ada", () => {
    assert.deepStrictEqual(atHand.map(sliceName), [
      "a100_sxm-vllm-0.14.0",
      "b200_sxm-vllm-0.19.0",
      "gb200-vllm-0.19.0",
      "h100_sxm-sglang-0.5.10",
      "h100_sxm-vllm-0.19.0",
      "h200_sxm-sglang-0.5.10",
      "h200_sxm-vllm-0.19.0",
      "l40s-vllm-0.14.0",
      "rtx_pro_6000_server-vllm-0.19.0"
    ])
  })

  for (const slice of atHand) {
    it.effect(`of ${sliceName(slice)} hold sorted, distinct rows of positive latency`, () =>
      Effect.gen(function* () {
        const { header, tables } = yield* openSlice(slice)
        assert.deepInclude(header.source, { system: slice.system, backend: slice.backend })
        assert.includeMembers(
          [...tables.sectionNames],
          [
            "gemm/bfloat16",
            "context_attention/bfloat16/bfloat16",
            "generation_attention/bfloat16",
            "moe/bfloat16",
            "all_reduce"
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
      const whole = yield* (yield* openTableFile(file, "file")).tables.section("all_reduce")
      const part = yield* (yield* openTableFile(shifted.subarray(3), "file")).tables.section("all_reduce")
      assert.deepStrictEqual(part, whole)
    })
  )

  it.effect("say so when they are damaged", () =>
    Effect.gen(function* () {
      const file = Uint8Array.from(shippedFile())
      const messageOf = (bytes: Uint8Array) => Effect.map(Effect.flip(openTableFile(bytes, "x.bin")), (e) => e.message)
      const text = (value: string) => new TextEncoder().encode(value)
      assert.include(
        yield* messageOf(text("DYNAIC99....")),
        "x.bin: cannot read the performance tables: a table file of"
      )
      assert.include(yield* messageOf(text("DYNAIC99....")), "of format DYNAIC99, not DYNAIC02; import them again")
      assert.include(yield* messageOf(text("PK")), "not a table file")
      const { tables: cut } = yield* openTableFile(file.subarray(0, file.length - 100), "x.bin")
      const error = yield* Effect.flip(cut.section(cut.sectionNames.at(-1)!))
      assert.include(error.message, "reinstall the package")
    })
  )

  it.effect("are not believed where a constant or a latency was changed", () =>
    Effect.gen(function* () {
      const file = Uint8Array.from(shippedFile())
      const at = Buffer.from(file).indexOf('"memBandwidthBytesPerS":4')
      file[at + '"memBandwidthBytesPerS":'.length] = "5".charCodeAt(0)
      assert.include((yield* Effect.flip(openTableFile(file, "x.bin"))).message, "the header does not hold")
      const { header } = yield* openTableFile(shippedFile(), "x.bin")
      const [first, second] = header.sections
      const swapped = Buffer.from(shippedFile())
      const start = 12 + swapped.readUInt32LE(8)
      swapped.copy(swapped, start + first!.offset, start + second!.offset, start + second!.offset + first!.bytes)
      const { tables } = yield* openTableFile(swapped, "x.bin")
      assert.include((yield* Effect.flip(tables.section(first!.name))).message, "cannot read the performance tables")
    })
  )
})
