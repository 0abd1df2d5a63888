/** A streamed answer: server-sent events, one per token, as soon as its token has been emitted. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { errorBody } from "./ApiError.ts"
import { type Endpoint, event, PieceWriter } from "./Endpoint.ts"
import type { Generation } from "./Generation.ts"

/** Tokens written at once at most, for a client that has fallen behind. */
const tokensPerWrite = 64

const encoder = new TextEncoder()

export interface EventStreamOptions {
  readonly endpoint: Endpoint
  readonly model: string
  readonly withUsage: boolean
  /** Told when bytes are handed to the connection, and when it asks for more. */
  readonly onWrite: (waiting: boolean) => void
}

/** A failure after the start is an event, too: the status has been sent. */
export const eventStream = (generation: Generation, options: EventStreamOptions): Stream.Stream<Uint8Array> => {
  const writer = new PieceWriter(options.endpoint, generation, options.model, options.withUsage)
  let ended = false
  const write = (text: string): Arr.NonEmptyReadonlyArray<Uint8Array> => {
    options.onWrite(true)
    return Arr.of(encoder.encode(text))
  }
  const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>> = Effect.suspend(() => {
    options.onWrite(false)
    return ended ? Cause.done() : next
  })
  const next = generation.take(tokensPerWrite).pipe(
    Effect.map((words) => {
      if (words.length > 0) return write(writer.words(words))
      ended = true
      return write(writer.end(options.withUsage ? generation.usage : undefined))
    }),
    Effect.catch((error) => {
      ended = true
      return Effect.succeed(write(event(errorBody(error)) + "data: [DONE]\n\n"))
    })
  )
  return Stream.fromPull(Effect.succeed(pull))
}
