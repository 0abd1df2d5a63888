/** The body of `POST /v1/completions`. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ApiError, invalid } from "./ApiError.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import { commonFields, commonSpec, readBody } from "./RequestFields.ts"
import { TokenBuffer } from "./TokenText.ts"

const Body = Schema.Struct({
  ...commonFields,
  prompt: Schema.Union([
    Schema.String,
    Schema.Array(Schema.Union([Schema.String, Schema.Int, Schema.Array(Schema.Int)]))
  ])
})

const parse = Schema.decodeUnknownResult(Body)

const neutral = { echo: [false], logprobs: [], best_of: [1], suffix: [""], prompt_logprobs: [] }

const onePrompt = invalid(
  "prompt must be one string or one list of token numbers: this server takes one prompt per request",
  {
    param: "prompt"
  }
)

type Prompt = (typeof Body.Type)["prompt"]

const isNumbers = (prompt: ReadonlyArray<unknown>): prompt is ReadonlyArray<number> =>
  prompt.every((token) => typeof token === "number")

/** A string, a list of token numbers, or a list with one of either in it. */
const tokensOf = (prompt: Prompt): Result.Result<TokenBuffer, ApiError> => {
  const tokens = new TokenBuffer()
  if (typeof prompt === "string") tokens.addText(prompt)
  else if (prompt.length === 1 && typeof prompt[0] !== "number") return tokensOf(prompt[0]!)
  else if (isNumbers(prompt)) tokens.addTokens(prompt)
  else return Result.fail(onePrompt)
  return tokens.length === 0
    ? Result.fail(invalid("prompt must not be empty", { param: "prompt" }))
    : Result.succeed(tokens)
}

export const parseCompletion = (body: unknown): Result.Result<GenerationSpec, ApiError> =>
  Result.flatMap(readBody(body, parse, neutral), (fields) =>
    Result.map(tokensOf(fields.prompt), (prompt) => ({
      ...commonSpec(fields),
      model: fields.model,
      prompt,
      outputTokens: fields.max_tokens ?? undefined
    }))
  )
