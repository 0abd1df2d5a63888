/**
 * The other end of a named pipe.
 *
 * Opening one for writing blocks until somebody opens it for reading, in a thread that nothing can interrupt and that keeps the process
 * from ending. So the pipe is tried without blocking until that succeeds.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { openPipe, type FileHandle } from "../host/Node.ts"
import { OutputError } from "./ReportError.ts"

/** By real time: simulated time does not pass while a pipe waits. */
const retryMs = 20

/** Without a reader: `undefined`. */
const tryOpen = (path: string): Effect.Effect<FileHandle | undefined, OutputError> =>
  Effect.tryPromise({
    try: () => openPipe(path),
    catch: (error) => error
  }).pipe(
    Effect.catch((error) =>
      isErrno(error) && error.code === "ENXIO"
        ? Effect.undefined
        : Effect.fail(new OutputError({ path, problem: `cannot be opened (${String(error)}); choose another path` }))
    )
  )

const isErrno = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && "code" in error

const keepTrying = (path: string): Effect.Effect<FileHandle, OutputError> =>
  Effect.flatMap(Effect.andThen(pause, tryOpen(path)), (handle) =>
    handle === undefined ? keepTrying(path) : Effect.succeed(handle)
  )

const pause: Effect.Effect<void> = Effect.callback((resume) => {
  const timer = setTimeout(() => resume(Effect.void), retryMs)
  return Effect.sync(() => clearTimeout(timer))
})

/**
 * Waits until somebody reads the pipe, and keeps it open until the scope closes, so that the reader does not see an end before it
 * is opened for good. An interruption ends the wait, also inside of what is uninterruptible.
 */
export const awaitReader = (path: string): Effect.Effect<void, OutputError, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.flatMap(tryOpen(path), (handle) =>
        handle === undefined ? Effect.interruptible(keepTrying(path)) : Effect.succeed(handle)
      ),
      (handle) => Effect.promise(() => handle.close())
    )
  )
