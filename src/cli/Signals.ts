/** Signals: how the first one is told from a second, and signals as the proper end of a command that has no other. */
import * as Effect from "effect/Effect"

/** Whoever starts the program may hand on a signal that it has got as well (npx, timeout): what comes so soon is no second one. */
const repeatMs = 200

/** The signal has come: nobody listens any more, so that a second one ends the process at once, as signals do by default. */
export const letGo = (signal: NodeJS.Signals): void => {
  process.removeAllListeners(signal)
  process.on(signal, () => {})
  setTimeout(() => process.removeAllListeners(signal), repeatMs).unref()
}

/** Whether a thread waits for the system with a file: to be opened, read or written. */
const waitsForFile = (): boolean => process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq"))

/** Longer than what a disk takes for what it was asked last. */
const lastAnswerMs = 100

/**
 * Ends a process that was interrupted. `process.exit` waits for the threads of file operations, deaf to any other signal; where one of them may
 * wait for ever, as for a named pipe that nobody writes to, the process ends as an interruption ends one by default, with the same status.
 */
export const endInterrupted = (exit: () => void): void => {
  if (!waitsForFile()) return exit()
  setTimeout(() => {
    if (!waitsForFile()) return exit()
    process.removeAllListeners("SIGINT")
    process.kill(process.pid, "SIGINT")
  }, lastAnswerMs)
}

/**
 * Waits for one of the signals. It is then a success, and not an interruption; a second one finds no listener and ends the process at
 * once.
 */
export const signalled = (...signals: ReadonlyArray<"SIGINT" | "SIGTERM">): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const others = new Map(signals.map((signal) => [signal, process.listeners(signal)]))
    const stop = (): void => {
      for (const signal of signals) letGo(signal)
      resume(Effect.void)
    }
    for (const signal of signals) {
      process.removeAllListeners(signal)
      process.once(signal, stop)
    }
    return Effect.sync(() => {
      for (const [signal, listeners] of others) {
        process.removeAllListeners(signal)
        for (const listener of listeners) process.on(signal, listener)
      }
    })
  })
