import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { OnBadLine } from "../../src/trace/RowReader.ts"
import type { TraceError } from "../../src/trace/TraceError.ts"
import { mooncake } from "./TraceTexts.ts"

const good = JSON.stringify({ timestamp: 0, input_length: 5, output_length: 1, hash_ids: [1] })
const text = [good, "{", good, "", "[]", good, '{"a":1}'].join("\n")

const rowsWith = (goesOn: (problem: TraceError) => boolean) =>
  Stream.runCollect(mooncake(text, 64, 16)).pipe(Effect.provideService(OnBadLine, goesOn))

describe("OnBadLine", () => {
  it.effect("ends reading at the first bad line by default", () =>
    Effect.map(Effect.flip(Stream.runCollect(mooncake(text))), (error) => assert.strictEqual(error.line, 2))
  )

  it.effect("is told of every bad line, and may go on", () =>
    Effect.gen(function* () {
      const bad: Array<number | undefined> = []
      const rows = yield* rowsWith(({ line }) => bad.push(line) > 0)
      assert.deepStrictEqual(bad, [2, 5, 7])
      assert.deepStrictEqual(
        rows.map(({ line }) => line),
        [1, 3, 6]
      )
    })
  )

  it.effect("may end reading at any of them", () =>
    Effect.map(Effect.flip(rowsWith(({ line }) => line !== 5)), (error) => assert.strictEqual(error.line, 5))
  )
})
