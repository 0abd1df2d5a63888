/**
 * One choice of an answer on its way to its client: how many of its tokens have come, how many the client has been given, how it
 * ended.
 *
 * Tokens are counted, not queued: their text follows from their position. So a client that reads slowly, or not at all, costs no memory.
 */
import type { LiveRequest } from "../online/LiveRequest.ts"
import type { ApiError } from "./ApiError.ts"
import type { OutputPlan } from "./OutputPlan.ts"
import { outputText, wordCharacters } from "./OutputText.ts"

/** Output tokens `from … to` of a choice. */
export interface Part {
  readonly choice: Choice
  readonly from: number
  readonly to: number
  /** Nothing follows. */
  readonly last: boolean
}

export class Choice {
  readonly index: number
  readonly plan: OutputPlan
  readonly live: LiveRequest
  /** Output tokens that have come. */
  tokens = 0
  state: "running" | "completed" | ApiError = "running"
  private taken = 0
  private lastTaken = false

  constructor(index: number, plan: OutputPlan, live: LiveRequest) {
    this.index = index
    this.plan = plan
    this.live = live
  }

  get finishReason(): "stop" | "length" {
    return this.plan.stop === undefined ? "length" : "stop"
  }

  /** Takes tokens that have not been taken, at most `most`; `undefined` when there is nothing new to tell. */
  take(most: number): Part | undefined {
    const { taken: from, tokens } = this
    const to = Math.min(tokens, from + most)
    const last = this.state === "completed" && to === tokens
    if (this.lastTaken || (from === to && !last)) return undefined
    this.taken = to
    this.lastTaken = last
    return { choice: this, from, to, last }
  }

  /** Text of output tokens `from … to`. */
  text(from: number, to: number): string {
    const { characters, seed } = this.plan
    const text = outputText(seed, from, to)
    return to * wordCharacters <= characters ? text : text.slice(0, Math.max(0, characters - from * wordCharacters))
  }
}
