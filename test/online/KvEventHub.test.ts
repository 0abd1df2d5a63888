import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { KvEventHub } from "../../src/online/KvEventHub.ts"
import { RoundRobinCore } from "../../src/router/RoundRobin.ts"
import { markedBlocks } from "../support/MarkedBlocks.ts"

/** A router that keeps what it is told, for workers 0 and 1 only. */
class ListeningRouter extends RoundRobinCore {
  readonly told: Array<string> = []

  constructor() {
    super(3)
  }

  override kvEvents(worker?: number) {
    return worker === 2
      ? undefined
      : {
          stored: (block: number) => void this.told.push(`${worker} +${block}`),
          removed: (block: number) => void this.told.push(`${worker} -${block}`)
        }
  }
}

const marked = (hub: KvEventHub): ReadonlyArray<number> => markedBlocks(hub).toSorted((a, b) => a - b)

describe("KvEventHub", () => {
  it.effect("delivers what was published, in order, and holds on to blocks until then", () =>
    Effect.gen(function* () {
      const router = new ListeningRouter()
      const hub = yield* KvEventHub.make(router)
      const [first, second] = [hub.sinks(0).kvEvents, hub.sinks(1).kvEvents]
      first?.stored(7, 1)
      first?.stored(0, 1)
      second?.removed(9, 1)
      assert.deepStrictEqual(marked(hub), [0, 7, 9])
      yield* hub.publish(0)
      first?.removed(7, 1)
      yield* hub.publish(1)
      yield* hub.publish(1)
      assert.deepStrictEqual(router.told, [])
      assert.deepStrictEqual(marked(hub), [0, 7, 7, 9])
      yield* Effect.forkScoped(hub.deliver)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepStrictEqual(router.told, ["0 +7", "0 +0", "1 -9"])
      assert.deepStrictEqual(marked(hub), [7])
      yield* hub.publish(0)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepStrictEqual(router.told.at(-1), "0 -7")
      assert.deepStrictEqual(marked(hub), [])
    }).pipe(Effect.scoped)
  )

  it.effect("asks for nothing from workers that nobody listens to", () =>
    Effect.gen(function* () {
      const hub = yield* KvEventHub.make(new ListeningRouter())
      assert.isUndefined(hub.sinks(2).kvEvents)
      yield* hub.publish(2)
      assert.deepStrictEqual(marked(hub), [])
    }).pipe(Effect.scoped)
  )
})
