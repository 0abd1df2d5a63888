/** The answer to one request on its way to its client: one or more choices, and how to wait for them. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { ApiError } from "./ApiError.ts"
import type { Choice, Part } from "./Choice.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"

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
  readonly spec: GenerationSpec
  /** All choices for the first prompt, then those for the next one. */
  readonly choices: ReadonlyArray<Choice>
  private readonly news = Latch.makeUnsafe()

  constructor(number: number, createdSeconds: number, spec: GenerationSpec, choices: ReadonlyArray<Choice>) {
    this.number = number
    this.createdSeconds = createdSeconds
    this.spec = spec
    this.choices = choices
  }

  /** Wakes whoever waits for this request. Runs it at once, so not in the middle of anything. */
  tell(): void {
    this.news.openUnsafe()
  }

  /**
   * Waits for tokens that have not been taken and takes them, at most `most` of each choice; gives nothing when all have been taken
   * and no more will come.
   */
  take(most: number): Effect.Effect<ReadonlyArray<Part>, ApiError> {
    return Effect.suspend(() => {
      const parts: Array<Part> = []
      for (const choice of this.choices) {
        const part = choice.take(most)
        if (part !== undefined) parts.push(part)
      }
      if (parts.length > 0) return Effect.succeed(parts)
      return this.unlessEnded(Effect.succeed<ReadonlyArray<Part>>([]), () => this.take(most))
    })
  }

  /** Waits for the end of all choices. */
  readonly ended: Effect.Effect<void, ApiError> = Effect.suspend(() => this.unlessEnded(Effect.void, () => this.ended))

  /** Prompts count once, however many choices are made for each. */
  get usage(): Usage {
    const { choices, spec } = this
    let promptTokens = 0
    let cachedTokens = 0
    let outputTokens = 0
    for (const { index, live, tokens } of choices) {
      outputTokens += tokens
      if (index % spec.choicesPerPrompt !== 0) continue
      promptTokens += live.request.promptTokens
      cachedTokens += live.request.reusedTokens
    }
    return {
      prompt_tokens: promptTokens,
      completion_tokens: outputTokens,
      total_tokens: promptTokens + outputTokens,
      prompt_tokens_details: { cached_tokens: cachedTokens }
    }
  }

  /** `whole` when every choice has completed, the error of one that has failed, or else news first and then `again`. */
  private unlessEnded<A>(whole: Effect.Effect<A>, again: () => Effect.Effect<A, ApiError>): Effect.Effect<A, ApiError> {
    let running = false
    for (const { state } of this.choices) {
      if (state === "running") running = true
      else if (state !== "completed") return Effect.fail(state)
    }
    if (!running) return whole
    this.news.closeUnsafe()
    return Effect.flatMap(this.news.await, again)
  }
}
