/** Threads that have nothing left to do end while their results are written. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

/** Provides a layer whose finalizers run beside what comes after `self`, and are waited for when the scope closes: threads need a while to end. */
export const seenOffLater = Effect.fnUntraced(function* <A, E, R, Provided, LayerError, Needed>(
  self: Effect.Effect<A, E, R>,
  layer: Layer.Layer<Provided, LayerError, Needed>
) {
  const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
  const value = yield* Effect.provideContext(self, yield* Layer.buildWithScope(layer, scope))
  const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void))
  yield* Effect.addFinalizer(() => Fiber.await(closing))
  return value
})
