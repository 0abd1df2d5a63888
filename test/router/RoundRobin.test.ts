import { assert, describe, it } from "@effect/vitest"
import { RoundRobinCore } from "../../src/router/RoundRobin.ts"

describe("round robin", () => {
  it("takes the workers in turn", () => {
    const core = new RoundRobinCore(3)
    assert.deepStrictEqual(
      Array.from({ length: 7 }, () => core.route()),
      [0, 1, 2, 0, 1, 2, 0]
    )
  })

  it("has one worker do everything", () => {
    const core = new RoundRobinCore(1)
    assert.deepStrictEqual([core.route(), core.route()], [0, 0])
  })

  it("neither parks nor listens to cache events", () => {
    const core = new RoundRobinCore(2)
    assert.strictEqual(core.parked, 0)
    assert.isUndefined(core.takeReleased())
    assert.isUndefined(core.kvEvents(0))
  })
})
