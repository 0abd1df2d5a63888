/**
 * The body of `POST /v1/chat/completions`.
 *
 * Messages become tokens as in ChatML: a header with the role, the content, an end mark, each in tokens of its own; then the header of
 * the answer. So a conversation that comes back longer repeats all tokens of the shorter one, the answer included.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ApiError, invalid } from "./ApiError.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import { commonFields, commonSpec, nullable, readBody } from "./RequestFields.ts"
import { TokenBuffer } from "./TokenText.ts"

const TextPart = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })

const Message = Schema.Struct({
  role: Schema.String,
  /** An assistant's message may consist of tool calls alone. */
  content: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Array(TextPart)])))
})

const Body = Schema.Struct({
  ...commonFields,
  max_completion_tokens: commonFields.max_tokens,
  messages: Schema.Array(Message),
  response_format: nullable(Schema.Struct({ type: Schema.String }))
})

const parse = Schema.decodeUnknownResult(Body)

const neutral = {
  logprobs: [false],
  top_logprobs: [0],
  tool_choice: ["none", "auto"],
  audio: [],
  prompt_logprobs: []
}

type Message = typeof Message.Type

const textOf = ({ content }: Message): string =>
  typeof content === "string" ? content : (content ?? []).map(({ text }) => text).join("")

const tokensOf = (messages: ReadonlyArray<Message>): TokenBuffer => {
  const tokens = new TokenBuffer()
  for (const message of messages) {
    tokens.addText(`<|im_start|>${message.role}\n`)
    tokens.addText(textOf(message))
    tokens.addText("<|im_end|>\n")
  }
  tokens.addText("<|im_start|>assistant\n")
  return tokens
}

export const parseChat = (body: unknown): Result.Result<GenerationSpec, ApiError> =>
  Result.flatMap(readBody(body, parse, neutral), (fields) => {
    const { max_completion_tokens, max_tokens, messages, model, response_format } = fields
    if (messages.length === 0) return Result.fail(invalid("messages must not be empty", { param: "messages" }))
    if ((response_format?.type ?? "text") !== "text") {
      return Result.fail(invalid("response_format can only be text on this server", { param: "response_format" }))
    }
    return Result.succeed({
      ...commonSpec(fields),
      model,
      prompt: tokensOf(messages),
      outputTokens: max_completion_tokens ?? max_tokens ?? undefined
    })
  })
