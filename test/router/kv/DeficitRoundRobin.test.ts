import { assert, describe, it } from "@effect/vitest"
import { type ClassHeads, DeficitRoundRobin } from "../../../src/router/kv/DeficitRoundRobin.ts"

/** Queues of costs, all open unless blocked. */
class Queues implements ClassHeads {
  readonly costs: Array<Array<number>>
  readonly blocked = new Set<number>()

  constructor(costs: Array<Array<number>>) {
    this.costs = costs
  }

  isEmpty(index: number): boolean {
    return this.costs[index]!.length === 0
  }

  isDispatchable(index: number): boolean {
    return !this.blocked.has(index)
  }

  headCost(index: number): number {
    return this.costs[index]![0]!
  }
}

const drain = (queues: Queues, quanta: ReadonlyArray<number>): Array<number> => {
  const turns = new DeficitRoundRobin(quanta, queues)
  const order: Array<number> = []
  for (let index = turns.select(); index >= 0; index = turns.select()) {
    order.push(index)
    turns.popped(index, queues.costs[index]!.shift()!)
  }
  return order
}

describe("deficit round robin", () => {
  it("lets a class with twice the quantum release twice as much", () => {
    const queues = new Queues([
      [100, 100, 100, 100],
      [100, 100, 100, 100]
    ])
    assert.deepStrictEqual(drain(queues, [200, 100]), [0, 0, 1, 0, 0, 1, 1, 1])
  })

  it("charges by cost, not by request", () => {
    const queues = new Queues([
      [300, 300],
      [100, 100, 100, 100]
    ])
    assert.deepStrictEqual(drain(queues, [100, 100]), [1, 1, 0, 1, 1, 0])
  })

  it("saves up over many rounds at once", () => {
    const queues = new Queues([[1e12], [3e12]])
    assert.deepStrictEqual(drain(queues, [1, 1]), [0, 1])
  })

  it("passes over a class that may not release, and stops when none may", () => {
    const queues = new Queues([[1, 1], [1]])
    queues.blocked.add(0)
    assert.deepStrictEqual(drain(queues, [10, 10]), [1])
    assert.deepStrictEqual(queues.costs, [[1, 1], []])
  })

  it("serves a single class in order", () => {
    const queues = new Queues([[5000, 1, 70]])
    assert.deepStrictEqual(drain(queues, [1]), [0, 0, 0])
  })
})
