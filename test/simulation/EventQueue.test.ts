import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { EventQueue, placeInRound } from "../../src/simulation/EventQueue.ts"

interface Event {
  readonly timeMs: number
  readonly rank: number
  readonly payload: number
}

const event = Schema.Struct({
  timeMs: Schema.Literals([0, 0.1, 0.2, 0.1 + 0.2, 0.3, 1, 1e300]),
  rank: Schema.Literals([0, 1, 2, 255])
})
/** Push this event, call off the one of this index among those pending, or pop when absent. */
const step = Schema.UndefinedOr(Schema.Union([event, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))]))

const ascending = (first: Event, second: Event): number =>
  first.timeMs - second.timeMs || first.rank - second.rank || first.payload - second.payload

const head = (queue: EventQueue): Event => ({ timeMs: queue.headMs, rank: queue.headRank, payload: queue.headPayload })

describe("EventQueue", () => {
  it.prop(
    "hands events out by time, rank and order of arrival, but for those called off",
    [Schema.Array(step)],
    ([steps]) => {
      const queue = new EventQueue()
      const pending: Array<Event> = []
      const names: Array<number> = []
      steps.forEach((added, payload) => {
        if (typeof added === "number") {
          for (const { payload } of pending.splice(added, 1)) queue.callOff(names[payload]!)
        } else if (added !== undefined) {
          names[payload] = queue.push(added.timeMs, added.rank, payload)
          pending.push({ ...added, payload })
          pending.sort(ascending)
        } else if (pending.length > 0) {
          queue.pop()
          pending.shift()
        }
        assert.strictEqual(queue.length, pending.length)
        if (pending.length > 0) assert.deepStrictEqual(head(queue), pending[0])
      })
    },
    { arbitrary: { runs: 200, size: 120 } }
  )

  it("is empty at the end of time", () => {
    const queue = new EventQueue()
    assert.strictEqual(queue.headMs, Number.POSITIVE_INFINITY)
    queue.push(5, 0, 1)
    queue.pop()
    assert.strictEqual(queue.headMs, Number.POSITIVE_INFINITY)
    assert.strictEqual(queue.length, 0)
  })

  it("lets an event take another place than that of its arrival", () => {
    const queue = new EventQueue()
    queue.push(1, 7, 0, placeInRound(1, 0))
    queue.push(1, 7, 5, placeInRound(0, 5))
    queue.push(1, 7, 4, placeInRound(0, 4))
    queue.push(1, 6, 9, placeInRound(3, 9))
    const order = [queue.headPayload]
    while (queue.length > 1) {
      queue.pop()
      order.push(queue.headPayload)
    }
    assert.deepStrictEqual(order, [9, 4, 5, 0])
  })

  it("grows without losing order", () => {
    const queue = new EventQueue()
    for (let index = 0; index < 5_000; index++) queue.push((index * 7_919) % 5_000, 0, index)
    for (let time = 0; time < 5_000; time++) {
      assert.strictEqual(queue.headMs, time)
      assert.strictEqual((queue.headPayload * 7_919) % 5_000, time)
      queue.pop()
    }
  })
})
