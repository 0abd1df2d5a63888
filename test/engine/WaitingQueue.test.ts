import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Sequence } from "../../src/engine/vllm/Sequence.ts"
import { WaitingQueue } from "../../src/engine/WaitingQueue.ts"
import { request } from "../support/RequestBuilder.ts"

const sequence = (id: number): Sequence =>
  new Sequence(request({ id, promptTokens: 1, outputTokens: 1, blocks: [] }), 1, new Int32Array(0), 0)

const members = (queue: WaitingQueue<Sequence>): Array<Sequence> => {
  const found: Array<Sequence> = []
  queue.forEach((each) => void found.push(each))
  return found
}

const act = Schema.Literals(["pushBack", "pushFront", "insertBefore", "shift", "remove", "reverse"])
const step = Schema.Struct({ act, at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })) })

describe("WaitingQueue", () => {
  it.prop("equals an array", [Schema.Array(step)], ([steps]) => {
    const queue = new WaitingQueue<Sequence>()
    const array: Array<Sequence> = []
    steps.forEach(({ act, at }, id) => {
      if (act === "pushBack" || act === "pushFront") {
        const added = sequence(id)
        queue[act](added)
        if (act === "pushBack") array.push(added)
        else array.unshift(added)
      } else if (act === "insertBefore") {
        // Kept in an order only by those who insert nowhere else; wherever it does not hold at the back, the back it is.
        const added = sequence(id)
        const goesBefore = (each: Sequence): boolean => each.request.id % 21 >= at
        queue.insertBefore(added, goesBefore)
        const place = array.length > 0 && goesBefore(array.at(-1)!) ? array.findIndex(goesBefore) : array.length
        array.splice(place, 0, added)
      } else if (act === "shift") {
        assert.strictEqual(queue.shift(), array.shift())
      } else if (act === "reverse") {
        array.reverse()
        queue.reorder(array)
      } else if (array.length > 0) {
        const gone = array.splice(at % array.length, 1)[0]!
        queue.remove(gone)
      }
      assert.strictEqual(queue.length, array.length)
      assert.strictEqual(queue.head, array[0])
      assert.deepStrictEqual(
        members(queue).map((each) => each.request.id),
        array.map((each) => each.request.id)
      )
      assert.strictEqual(
        queue.find((each) => each.request.id % 3 === 0),
        array.find((each) => each.request.id % 3 === 0)
      )
    })
  })
})
