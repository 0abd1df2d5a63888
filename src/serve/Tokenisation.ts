/** The bodies of `POST /tokenize` and `POST /detokenize`: text as the tokens that this server counts, and back. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ApiError, invalid } from "./ApiError.ts"
import { messageFields, tokensOfChat } from "./ChatMessages.ts"
import { type BodyReader, nullable, readBody } from "./RequestFields.ts"
import { TokenBuffer, TokenNumber } from "./TokenText.ts"

const tokenizeFields = {
  model: nullable(Schema.String),
  prompt: nullable(Schema.String),
  messages: nullable(messageFields.messages),
  tools: messageFields.tools,
  add_generation_prompt: nullable(Schema.Boolean),
  add_special_tokens: nullable(Schema.Boolean),
  return_token_strs: nullable(Schema.Boolean)
} as const

const TokenizeBody = Schema.Struct(tokenizeFields)

const tokenizeReader: BodyReader<typeof TokenizeBody.Type> = {
  parse: Schema.decodeUnknownResult(TokenizeBody),
  names: Object.keys(tokenizeFields),
  neutral: { chat_template: [], chat_template_kwargs: [], continue_final_message: [false], mm_processor_kwargs: [] }
}

/** What there is to tokenise. */
export interface Tokenize {
  /** The model named, if any. */
  readonly model: string | undefined
  readonly tokens: TokenBuffer
  /** Tell the text of each token, too. */
  readonly withTexts: boolean
}

const tokensOf = ({ add_generation_prompt, messages, prompt, tools }: typeof TokenizeBody.Type) => {
  if (prompt !== undefined && prompt !== null && (messages ?? undefined) === undefined) {
    const tokens = new TokenBuffer()
    tokens.addText(prompt)
    return Result.succeed(tokens)
  }
  if (messages === undefined || messages === null || (prompt ?? undefined) !== undefined) {
    return Result.fail(invalid("either prompt or messages must be given", { param: "prompt" }))
  }
  return tokensOfChat(messages, tools ?? [], add_generation_prompt ?? true)
}

export const parseTokenize = (body: unknown): Result.Result<Tokenize, ApiError> =>
  Result.flatMap(readBody(body, tokenizeReader), (fields) =>
    Result.map(tokensOf(fields), (tokens) => ({
      model: fields.model ?? undefined,
      tokens,
      withTexts: fields.return_token_strs ?? false
    }))
  )

const detokenizeFields = { model: nullable(Schema.String), tokens: Schema.Array(TokenNumber) } as const

const DetokenizeBody = Schema.Struct(detokenizeFields)

const detokenizeReader: BodyReader<typeof DetokenizeBody.Type> = {
  parse: Schema.decodeUnknownResult(DetokenizeBody),
  names: Object.keys(detokenizeFields),
  neutral: {}
}

export const parseDetokenize = (body: unknown): Result.Result<Omit<Tokenize, "withTexts">, ApiError> =>
  Result.map(readBody(body, detokenizeReader), ({ model, tokens }) => {
    const buffer = new TokenBuffer()
    buffer.addTokens(tokens)
    return { model: model ?? undefined, tokens: buffer }
  })
