import { assert, describe, it } from "@effect/vitest"
import { RequestLoopCore } from "../../src/workload/RequestLoopCore.ts"
import { drive, mapIdentity, row } from "./Drive.ts"

const coreOf = (concurrency: number) =>
  new RequestLoopCore({ identity: mapIdentity(64), traceBlockTokens: 64, usesTokenRuns: false, concurrency })

describe("RequestLoopCore", () => {
  it("keeps the given number of requests in flight, in order", () => {
    const rows = Array.from({ length: 7 }, (_, i) => row(i + 1, { promptTokens: i + 1 }))
    const run = drive(coreOf(3), {
      rows,
      chunkRows: 2,
      serviceMs: ({ promptTokens }) => (promptTokens === 1 ? 25 : 10)
    })
    assert.deepStrictEqual(
      run.requests.map((request) => request.promptTokens),
      [1, 2, 3, 4, 5, 6, 7]
    )
    assert.deepStrictEqual(
      run.requests.map((request) => request.arrivalMs),
      [0, 0, 0, 10, 10, 20, 20]
    )
    assert.strictEqual(run.mostInFlight, 3)
  })

  it("counts what the simulation says is in flight", () => {
    const core = coreOf(2)
    core.pushRows([row(1), row(2)])
    core.endRows()
    assert.strictEqual(core.popReady(0, 2), undefined)
    assert.isDefined(core.popReady(0, 1))
    assert.isFalse(core.drained)
  })

  it("keeps rows only while they wait", () => {
    const rows = Array.from({ length: 5000 }, (_, i) => row(i + 1))
    assert.isAtMost(drive(coreOf(4), { rows, chunkRows: 16 }).mostRowsAhead, 16)
  })
})
