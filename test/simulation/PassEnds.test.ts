import { assert, describe, it } from "@effect/vitest"
import { EventQueue } from "../../src/simulation/EventQueue.ts"
import { PassEnds } from "../../src/simulation/PassEnds.ts"

const make = () => {
  const queue = new EventQueue()
  return { ends: new PassEnds(queue, (worker) => worker), queue }
}

/** Workers in the order in which their passes end, with the times. */
const drained = (queue: EventQueue): ReadonlyArray<readonly [worker: number, endMs: number]> => {
  const order: Array<readonly [number, number]> = []
  while (queue.length > 0) {
    order.push([queue.headPayload, queue.headMs])
    queue.pop()
  }
  return order
}

describe("PassEnds", () => {
  it("ends passes of one time in the order in which they started", () => {
    const { ends, queue } = make()
    ends.started(0, 20, 10, 10, 0)
    ends.started(2, 20, 5, 5, 0)
    ends.started(1, 20, 5, 5, 1)
    assert.deepStrictEqual(drained(queue), [
      [2, 20],
      [1, 20],
      [0, 20]
    ])
  })

  it("gives a pass computed ahead of time the place that it would have had", () => {
    const { ends, queue } = make()
    // The last of several passes starts at 15 ms, in the first round of that time, like that of worker 1; worker 0 starts in the second.
    ends.started(2, 20, 15, 5, 3)
    ends.started(1, 20, 15, 15, 0)
    ends.started(0, 20, 15, 15, 1)
    assert.deepStrictEqual(drained(queue), [
      [1, 20],
      [2, 20],
      [0, 20]
    ])
  })

  it("moves an end to that of an earlier pass", () => {
    const { ends, queue } = make()
    ends.started(0, 30, 25, 5, 0)
    ends.started(1, 12, 10, 10, 0)
    ends.moved(0, 12, 11)
    assert.deepStrictEqual(drained(queue), [
      [1, 12],
      [0, 12]
    ])
  })

  it("moves an end to that of the first pass, in its own place", () => {
    const { ends, queue } = make()
    ends.started(0, 30, 25, 5, 1)
    ends.started(1, 12, 5, 5, 0)
    ends.started(2, 12, 6, 6, 0)
    ends.moved(0, 12)
    assert.deepStrictEqual(drained(queue), [
      [1, 12],
      [0, 12],
      [2, 12]
    ])
  })

  it("forgets what was called off", () => {
    const { ends, queue } = make()
    ends.started(0, 30, 25, 5, 0)
    ends.callOff(0)
    assert.deepStrictEqual(drained(queue), [])
    assert.strictEqual(queue.headMs, Number.POSITIVE_INFINITY)
  })
})
