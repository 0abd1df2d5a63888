/** Prompts are made into blocks once for runs of one trace, and where they take too much memory for none. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { LastPrompts } from "../../src/run/LastPrompts.ts"
import { fromRows } from "../../src/trace/TraceSource.ts"
import { row } from "../workload/Drive.ts"

const promptRow = (line: number) => row(line, { timestampMs: line, promptTokens: 1000, hashIds: [line, 7] })

const traceOf = (name: string) =>
  fromRows({ rows: Stream.range(1, 4).pipe(Stream.map(promptRow)), name, traceBlockTokens: 512 })

describe("the last prompts", () => {
  it.effect("are those of a trace and a block size", () =>
    Effect.gen(function* () {
      const prompts = new LastPrompts()
      const trace = yield* traceOf("one")
      const made = yield* prompts.of(trace, 64)
      assert.strictEqual(yield* prompts.of(trace, 64), made)
      assert.strictEqual(made!.blocksOf(3).length, 15)
      const smaller = yield* prompts.of(trace, 32)
      assert.strictEqual(smaller!.blocksOf(3).length, 31)
      assert.notStrictEqual(yield* prompts.of(yield* traceOf("another"), 32), smaller)
    })
  )

  it.effect("are not kept where they are too many", () =>
    Effect.gen(function* () {
      const prompts = new LastPrompts(100)
      const trace = yield* traceOf("one")
      assert.isUndefined(yield* prompts.of(trace, 32))
      assert.isDefined(yield* prompts.of(trace, 64))
    })
  )
})
