/** A streamed answer: server-sent events, one per token, as soon as its token has been emitted. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { event, PieceWriter } from "./Answer.ts"
import { errorBody } from "./ApiError.ts"
import type { Endpoint } from "./Endpoint.ts"
import type { Generation } from "./Generation.ts"

/** Tokens of a choice written at once at most, for a client that has fallen behind. */
const tokensPerWrite = 64

const encoder = new TextEncoder()

/**
 * A failure after the start is an event, too: the status has been sent. `onWrite` is told when bytes are handed to the connection,
 * and when it asks for more.
 */
export const eventStream = (
  endpoint: Endpoint,
  generation: Generation,
  onWrite: (waiting: boolean) => void
): Stream.Stream<Uint8Array> => {
  const writer = new PieceWriter(endpoint, generation)
  let ended = false
  const write = (text: string): Arr.NonEmptyReadonlyArray<Uint8Array> => {
    onWrite(true)
    return Arr.of(encoder.encode(text))
  }
  const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>> = Effect.suspend(() => {
    onWrite(false)
    return ended ? Cause.done() : next
  })
  const next = generation.take(tokensPerWrite).pipe(
    Effect.map((parts) => {
      if (parts.length > 0) return write(parts.map((part) => writer.part(part)).join(""))
      ended = true
      return write(writer.end())
    }),
    Effect.catch((error) => {
      ended = true
      return Effect.succeed(write(event(errorBody(error)) + "data: [DONE]\n\n"))
    })
  )
  return Stream.fromPull(Effect.succeed(pull))
}
