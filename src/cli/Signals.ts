/** Signals as the proper end of a command that has no other. */
import * as Effect from "effect/Effect"

/**
 * Waits for one of the signals. It is then a success, and not an interruption; a second one finds no listener and ends the process at
 * once.
 */
export const signalled = (...signals: ReadonlyArray<"SIGINT" | "SIGTERM">): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const others = new Map(signals.map((signal) => [signal, process.listeners(signal)]))
    const stop = (): void => {
      for (const signal of signals) process.removeAllListeners(signal)
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
