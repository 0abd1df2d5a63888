import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { HeapMarking } from "../../src/cli/HeapMarking.ts"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import { record } from "../report/Records.ts"

const gaps: ReplayEvent = { _tag: "TokenGaps", gapsMs: new Float64Array(0), counts: new Uint32Array(0) }

/** Each with gaps of its own. */
const through = (marking: HeapMarking, requests: number) =>
  Stream.fromIterable(Array.from({ length: requests }, () => record())).pipe(
    Stream.flatMap((request) => Stream.fromArray<ReplayEvent>([request, gaps])),
    marking.through,
    Stream.runCount
  )

/** The flags themselves cannot be read; changing them back when the process ends can be seen. */
const changesBack = () => process.listenerCount("exit")

describe("marking of the heap", () => {
  it.effect("changes once, when all runs of the process together are long", () =>
    Effect.gen(function* () {
      const marking = new HeapMarking()
      const before = changesBack()
      assert.strictEqual(yield* through(marking, 12_000), 24_000)
      assert.strictEqual(changesBack(), before)
      assert.strictEqual(yield* through(marking, 12_000), 24_000)
      assert.strictEqual(changesBack(), before + 1)
      assert.strictEqual(yield* through(marking, 30_000), 60_000)
      assert.strictEqual(changesBack(), before + 1)
    })
  )
})
