/**
 * Workers that are to start while a deployment runs: each waits for its time in a fiber of its own, and lives in it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { ReplayError } from "../simulation/ReplayError.ts"
import { type Timeline, Turn } from "./Pace.ts"

interface Recruit<Place> {
  readonly place: Place
  readonly readyMs: number
}

/** `Place` says who is to start. */
export class Recruiter<Place> {
  private readonly time: Timeline
  private readonly recruits: Queue.Queue<Recruit<Place>>

  private constructor(time: Timeline, recruits: Queue.Queue<Recruit<Place>>) {
    this.time = time
    this.recruits = recruits
  }

  /** Its queue lives as long as the scope. */
  static make<Place>(time: Timeline): Effect.Effect<Recruiter<Place>, never, Scope.Scope> {
    return Effect.map(
      Effect.acquireRelease(Queue.unbounded<Recruit<Place>>(), Queue.shutdown),
      (recruits) => new Recruiter(time, recruits)
    )
  }

  /** Lets a worker start that is ready at `readyMs`. */
  ask(place: Place, readyMs: number): void {
    Queue.offerUnsafe(this.recruits, { place, readyMs })
  }

  /** Runs `life` of each from its time on, until interrupted, or until one of them fails. */
  run(life: (place: Place) => Effect.Effect<void, ReplayError>): Effect.Effect<never, ReplayError> {
    const { recruits, time } = this
    return Effect.gen(function* () {
      const failed = yield* Deferred.make<never, ReplayError>()
      const hire = Effect.flatMap(Queue.take(recruits), ({ place, readyMs }) =>
        time.sleepUntil(readyMs, Turn.settle).pipe(
          Effect.andThen(Effect.suspend(() => life(place))),
          Effect.catchCause((cause) => Deferred.failCause(failed, cause)),
          Effect.forkChild
        )
      )
      return yield* Effect.raceFirst(Effect.forever(hire), Deferred.await(failed))
    })
  }
}
