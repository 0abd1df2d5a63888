/**
 * One request on its way to its client: how many tokens have come, how many the client has been given, how it ended.
 *
 * Tokens are counted, not queued: their text follows from their position. So a client that reads slowly, or not at all, costs no memory.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { LiveRequest } from "../online/LiveRequest.ts"
import type { ApiError } from "./ApiError.ts"
import { outputText, outputWord } from "./OutputText.ts"

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
}

export class Generation {
  /** Number of the request within this server. */
  readonly number: number
  /** Seconds since 1970. */
  readonly createdSeconds: number
  /** Seed of the words. */
  private readonly seed: number
  readonly live: LiveRequest
  private readonly news = Latch.makeUnsafe()
  private tokens = 0
  private taken = 0
  private state: "running" | "completed" | ApiError = "running"

  constructor(number: number, createdSeconds: number, seed: number, live: LiveRequest) {
    this.number = number
    this.createdSeconds = createdSeconds
    this.seed = seed
    this.live = live
  }

  /** Tokens arrived; {@link tell} follows. */
  arrive(tokens: number): void {
    this.tokens += tokens
  }

  /** No more tokens will come; `problem` when that is not because all of them have. {@link tell} follows. */
  end(problem?: ApiError): void {
    this.state = problem ?? "completed"
  }

  /** Wakes whoever waits for this request. Runs it at once, so not in the middle of anything. */
  tell(): void {
    this.news.openUnsafe()
  }

  /**
   * Waits for tokens that have not been taken and takes them, at most `most`; gives their words, or nothing when all have been
   * taken and no more will come.
   */
  take(most: number): Effect.Effect<ReadonlyArray<string>, ApiError> {
    return Effect.suspend(() => {
      if (this.taken < this.tokens) {
        const from = this.taken
        this.taken = Math.min(this.tokens, from + most)
        return Effect.succeed(
          Array.from({ length: this.taken - from }, (_, index) => outputWord(this.seed, from + index))
        )
      }
      if (this.state === "completed") return Effect.succeed([])
      return this.state === "running" ? Effect.flatMap(this.wait(), () => this.take(most)) : Effect.fail(this.state)
    })
  }

  /** Waits for the end; gives the whole text. */
  readonly text: Effect.Effect<string, ApiError> = Effect.suspend(() => {
    if (this.state === "completed") return Effect.succeed(outputText(this.seed, 0, this.tokens))
    return this.state === "running" ? Effect.flatMap(this.wait(), () => this.text) : Effect.fail(this.state)
  })

  get usage(): Usage {
    const { promptTokens, reusedTokens } = this.live.request
    return {
      prompt_tokens: promptTokens,
      completion_tokens: this.tokens,
      total_tokens: promptTokens + this.tokens,
      prompt_tokens_details: { cached_tokens: reusedTokens }
    }
  }

  private wait(): Effect.Effect<void> {
    this.news.closeUnsafe()
    return this.news.await
  }
}
