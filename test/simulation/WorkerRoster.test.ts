import { assert, describe, it } from "@effect/vitest"
import { WorkerRoster } from "../../src/simulation/WorkerRoster.ts"

const shape = ({ draining, ready, starting }: WorkerRoster) => ({ ready, starting, draining })

describe("WorkerRoster", () => {
  it("cancels the newest starting workers before it drains the newest ready ones", () => {
    const roster = new WorkerRoster(3)
    assert.deepStrictEqual(roster.scaleTo(5).started, [3, 4])
    assert.deepStrictEqual(roster.scaleTo(4), { started: [], cancelled: [4], drained: [] })
    assert.deepStrictEqual(roster.scaleTo(1), { started: [], cancelled: [3], drained: [1, 2] })
    assert.deepStrictEqual(shape(roster), { ready: [0], starting: [], draining: [1, 2] })
    assert.strictEqual(roster.provisioned, 3)
    assert.strictEqual(roster.wanted, 1)
  })

  it("never uses an index again, whatever became of its worker", () => {
    const roster = new WorkerRoster(1)
    roster.scaleTo(2)
    roster.scaleTo(1)
    assert.isFalse(roster.becomeReady(1))
    assert.deepStrictEqual(roster.scaleTo(2).started, [2])
    assert.isTrue(roster.becomeReady(2))
    roster.scaleTo(0)
    assert.isTrue(roster.remove(2))
    assert.isFalse(roster.remove(2))
    assert.deepStrictEqual(roster.scaleTo(1).started, [3])
    assert.deepStrictEqual(shape(roster), { ready: [], starting: [3], draining: [0] })
  })
})
