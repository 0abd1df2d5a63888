/** A live Pace that counts who is asleep: after a run nobody may be. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Pace } from "../../src/online/Pace.ts"

export interface CountedPace {
  readonly layer: Layer.Layer<Pace>
  asleep: number
  sleeps: number
}

export const countedPace = (): CountedPace => {
  const counted: CountedPace = {
    asleep: 0,
    sleeps: 0,
    layer: Layer.effect(
      Pace,
      Effect.map(Pace, ({ start }) =>
        Pace.of({
          start: Effect.map(start, ({ nowMs, sleepUntil }) => ({
            nowMs,
            sleepUntil: (timeMs, turn) =>
              Effect.acquireUseRelease(
                Effect.sync(() => {
                  counted.asleep += 1
                  counted.sleeps += 1
                }),
                () => sleepUntil(timeMs, turn),
                () => Effect.sync(() => void (counted.asleep -= 1))
              )
          }))
        })
      )
    ).pipe(Layer.provide(Pace.layerLive))
  }
  return counted
}
