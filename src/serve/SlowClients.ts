/** Ends answers whose client does not take what is sent to it. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** An answer being written. */
export interface Writing {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** When the bytes were handed over that the connection has not taken yet; `NaN` while there are none. */
  sinceMs: number
}

export class SlowClients {
  private readonly writings = new Set<Writing>()
  private readonly timeoutMs: number

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs
  }

  /** Watches the answer that this fiber writes. */
  add(fiber: Fiber.Fiber<unknown, unknown>): Writing {
    const writing: Writing = { fiber, sinceMs: Number.NaN }
    this.writings.add(writing)
    return writing
  }

  remove(writing: Writing): void {
    this.writings.delete(writing)
  }

  /** Looks again and again; interrupting the fiber destroys the connection and takes the request back. */
  readonly watch: Effect.Effect<never> = Effect.suspend(() =>
    Effect.forever(
      Effect.andThen(
        Effect.sleep(Math.min(1000, this.timeoutMs / 4)),
        Effect.sync(() => this.sweep())
      )
    )
  )

  private sweep(): void {
    const nowMs = performance.now()
    for (const { fiber, sinceMs } of this.writings) if (nowMs - sinceMs > this.timeoutMs) fiber.interruptUnsafe()
  }
}
