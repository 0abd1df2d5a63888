/**
 * Chat messages as tokens, laid out as in ChatML: a header with the role, the content, an end mark, each in tokens of its own; at the
 * end the header of the answer. So a conversation that comes back longer repeats all tokens of the shorter one, the answer
 * included. Tools and calls of tools are part of the prompt, too, as JSON.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ApiError, invalid } from "./ApiError.ts"
import { nullable } from "./RequestFields.ts"
import { TokenBuffer } from "./TokenText.ts"

const TextPart = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })

const ToolCall = Schema.Struct({
  id: nullable(Schema.String),
  type: nullable(Schema.Literal("function")),
  function: Schema.Struct({ name: Schema.String, arguments: nullable(Schema.String) })
})

const Message = Schema.Struct({
  role: Schema.String,
  /** An assistant's message may consist of tool calls alone. */
  content: nullable(Schema.Union([Schema.String, Schema.Array(TextPart)])),
  name: nullable(Schema.String),
  tool_calls: nullable(Schema.Array(ToolCall)),
  tool_call_id: nullable(Schema.String)
})

const Tool = Schema.Struct({
  type: Schema.Literal("function"),
  function: Schema.Struct({
    name: Schema.String,
    description: nullable(Schema.String),
    parameters: nullable(Schema.Record(Schema.String, Schema.Unknown)),
    strict: nullable(Schema.Boolean)
  })
})

/** What chat and the tokenisation of chat read. */
export const messageFields = {
  messages: Schema.Array(Message),
  tools: nullable(Schema.Array(Tool))
} as const

type Message = typeof Message.Type
type Tool = typeof Tool.Type

const textOf = ({ content }: Message): string =>
  typeof content === "string" ? content : (content ?? []).map(({ text }) => text).join("")

const headerOf = ({ name, role, tool_call_id }: Message): string =>
  `<|im_start|>${[role, name, tool_call_id].filter((word) => word !== undefined && word !== null).join(" ")}\n`

/** `answered` ends with the header of the answer. */
export const tokensOfChat = (
  messages: ReadonlyArray<Message>,
  tools: ReadonlyArray<Tool>,
  answered: boolean
): Result.Result<TokenBuffer, ApiError> => {
  if (messages.length === 0) return Result.fail(invalid("messages must not be empty", { param: "messages" }))
  const tokens = new TokenBuffer()
  if (tools.length > 0) tokens.addText(`<|im_start|>tools\n${JSON.stringify(tools)}<|im_end|>\n`)
  for (const message of messages) {
    tokens.addText(headerOf(message))
    tokens.addText(textOf(message))
    const calls = message.tool_calls ?? []
    if (calls.length > 0) tokens.addText(JSON.stringify(calls))
    tokens.addText("<|im_end|>\n")
  }
  if (answered) tokens.addText("<|im_start|>assistant\n")
  return Result.succeed(tokens)
}
