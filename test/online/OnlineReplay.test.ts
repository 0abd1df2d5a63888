import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { row } from "../support/RequestBuilder.ts"
import { comparable, gapCounts, offline, roundRobin, virtual, vllm } from "./OnlineRuns.ts"

const rows = Array.from({ length: 60 }, (_, i) =>
  row({ timestampMs: i * 7, promptTokens: 300 + (i * 37) % 900, outputTokens: 1 + (i * 13) % 60, hashIds: [i % 5, 100 + i, 7] }, i + 1))

describe("online in virtual time", () => {
  it.effect("equals offline", () => Effect.gen(function*() {
    const setup = { engine: vllm(engineArgs()), router: roundRobin, workers: 3, workload: plainWorkload({ rows, traceBlockTokens: 512 }) }
    const a = yield* offline(setup)
    const b = yield* virtual(setup)
    assert.deepStrictEqual(comparable(b), comparable(a))
    assert.deepStrictEqual(gapCounts(b), gapCounts(a))
    assert.strictEqual(b.summary.endMs, a.summary.endMs)
  }))
})
