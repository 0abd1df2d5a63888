import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import { zipSync } from "fflate"
import { readFileSync } from "node:fs"
import * as NpzTiming from "../../../src/timing/npz/NpzTiming.ts"
import { Timing, type TimingModel } from "../../../src/timing/Timing.ts"
import { assertClose } from "../../support/Assertions.ts"
import { doubles, npy } from "./NpyWriter.ts"

const golden = (name: string) => new Uint8Array(readFileSync(new URL(`../../golden/npz/${name}`, import.meta.url)))

/** A small profile: prefill 10 ms + 2 ms per token from 5 on; decode `kv + 10 * context`. */
const arrays: Readonly<Record<string, Uint8Array>> = {
  prefill_isl: npy({ shape: [3], data: doubles([0, 5, 10]) }),
  prefill_ttft_ms: npy({ shape: [3], data: doubles([10, 10, 20]) }),
  decode_active_kv_tokens: npy({ shape: [2], data: doubles([0, 100]) }),
  decode_context_length: npy({ shape: [3], data: doubles([0, 1, 3]) }),
  decode_itl: npy({ shape: [2, 3], data: doubles([0, 10, 30, 100, 110, 130]) })
}

const archive = (changes: Readonly<Record<string, Uint8Array | undefined>> = {}): Uint8Array => {
  const members: Record<string, Uint8Array> = {}
  for (const [name, bytes] of Object.entries({ ...arrays, ...changes })) {
    if (bytes !== undefined) members[`${name}.npy`] = bytes
  }
  return zipSync(members)
}

const modelOf = (bytes: Uint8Array): TimingModel => Result.getOrThrow(NpzTiming.parseProfile("p.npz", bytes))
const problem = (bytes: Uint8Array): string =>
  Result.match(NpzTiming.parseProfile("p.npz", bytes), { onSuccess: () => "", onFailure: ({ message }) => message })

describe("a profile", () => {
  it("prices prefill by new tokens, linear between points and on beyond them", () => {
    const model = modelOf(archive())
    assert.strictEqual(model.prefillMs(1, 5, 0), 10)
    assert.strictEqual(model.prefillMs(1, 107, 100), 14)
    assert.strictEqual(model.prefillMs(4, 5, 0), 40)
    assert.strictEqual(model.prefillMs(1, 2, 0), 10)
    assert.strictEqual(model.prefillMs(3, 8, 8), 0)
    assert.strictEqual(model.prefillMs(3, 8, 9), 0)
  })

  it("prices decode by KV tokens and context, bilinearly, on beyond the outermost cell", () => {
    const model = modelOf(archive())
    for (const [kv, context] of [
      [0, 0],
      [50, 2],
      [100, 3],
      [250, 10],
      [30, 0.5]
    ] as const) {
      assertClose(model.decodeMs(9, kv, context, 1), kv + 10 * context, `${kv} at ${context}`)
    }
  })

  it("never takes negative time", () => {
    const falling = modelOf(archive({ prefill_ttft_ms: npy({ shape: [3], data: doubles([10, 5, 1]) }) }))
    assert.strictEqual(falling.prefillMs(1, 100, 0), 0)
  })

  it("is the reference's for one request", () => {
    interface Recorded {
      readonly file: string
      readonly args: ReadonlyArray<number>
      readonly result: readonly [ttftMs: number, itlMs: number]
    }
    const recorded: ReadonlyArray<Recorded> = JSON.parse(new TextDecoder().decode(golden("results.json")))
    const valid = ["base.npz", "comp.npz", "fortran.npz", "two.npz", "neg.npz"].map((name) => `npz_${name}`)
    const single = recorded.filter(({ args, file }) => valid.includes(file) && args.length === 1 && args[0]! <= 8192)
    assert.isAtLeast(single.length, 10)
    const blockTokens = 64
    for (const {
      args: [isl = 0],
      file,
      result: [ttftMs, itlMs]
    } of single) {
      const model = modelOf(golden(file.replace("npz_", "")))
      const decodeMs = (context: number) =>
        Math.max(1, model.decodeMs(1, Math.ceil(context / blockTokens) * blockTokens, context, 1))
      // Durations are whole nanoseconds.
      assert.approximately(model.prefillMs(1, isl, 0) + decodeMs(isl), ttftMs, 1.1e-6, `${file} TTFT at ${isl}`)
      assert.approximately(decodeMs(isl + 1), itlMs, 1.1e-6, `${file} ITL at ${isl}`)
    }
  })

  it("that is wrong is an error that says where", () => {
    assert.include(problem(golden("f32.npz")), "p.npz: prefill_isl: must hold float64 numbers ('<f8'), holds '<f4'")
    assert.include(problem(golden("int.npz")), "p.npz: prefill_isl: must hold float64 numbers ('<f8'), holds '<i8'")
    assert.include(problem(golden("mism.npz")), "p.npz: prefill_ttft_ms: has the shape (2) instead of (3)")
    assert.include(problem(golden("nonmono.npz")), "must increase strictly")
    assert.include(problem(golden("one.npz")), "p.npz: prefill_isl: needs at least 2 points, has 1")
    assert.include(problem(golden("missing.npz")), "p.npz: decode_itl: is missing")
    assert.include(problem(new Uint8Array([1, 2, 3])), "p.npz: not a readable .npz archive")
    assert.include(
      problem(archive({ decode_itl: npy({ shape: [3, 2], data: doubles([1, 2, 3, 4, 5, 6]) }) })),
      "decode_itl"
    )
    assert.include(
      problem(archive({ decode_itl: npy({ shape: [6], data: doubles([1, 2, 3, 4, 5, 6]) }) })),
      "instead of (2, 3)"
    )
    assert.include(
      problem(archive({ prefill_isl: npy({ shape: [3], data: doubles([1, 2, Number.NaN]) }) })),
      "prefill_isl: entry 2 is NaN; expected a number from -1000000000 to 1000000000"
    )
    assert.include(
      problem(archive({ prefill_ttft_ms: npy({ shape: [3], data: doubles([1, 1e308, 3]) }) })),
      "prefill_ttft_ms: entry 1 is 1e+308"
    )
    assert.include(problem(archive({ prefill_isl: npy({ shape: [1, 3], data: doubles([1, 2, 3]) }) })), "one dimension")
  })

  it("does not mind further arrays", () => {
    assert.strictEqual(problem(archive({ notes: new Uint8Array([1]) })), "")
  })
})

describe("NpzTiming", () => {
  it.effect("reads a file", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      yield* fs.writeFile(file, archive())
      const timing = yield* Effect.provide(Timing, NpzTiming.layer(file))
      assert.strictEqual(timing.make().prefillMs(1, 5, 0), 10)
      assert.include(timing.source, file)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("fails on a missing file and on a folder", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const missing = yield* Effect.flip(Effect.provide(Timing, NpzTiming.layer(`${folder}/none.npz`)))
      assert.include(missing.message, "none.npz")
      const error = yield* Effect.flip(Effect.provide(Timing, NpzTiming.layer(folder)))
      assert.include(error.message, "folder")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
