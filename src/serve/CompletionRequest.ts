/** The body of `POST /v1/completions`. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ApiError, invalid } from "./ApiError.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import {
  type BodyReader,
  commonFields,
  commonNeutral,
  commonSpec,
  mostAlternatives,
  nullable,
  readBody
} from "./RequestFields.ts"
import { TokenBuffer, TokenNumber } from "./TokenText.ts"

const fields = {
  ...commonFields,
  prompt: Schema.Union([
    Schema.String,
    Schema.Array(Schema.Union([Schema.String, TokenNumber, Schema.Array(TokenNumber)]))
  ]),
  best_of: nullable(Schema.Int),
  echo: nullable(Schema.Boolean),
  logprobs: nullable(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: mostAlternatives })))
} as const

const Body = Schema.Struct(fields)

const reader: BodyReader<typeof Body.Type> = {
  parse: Schema.decodeUnknownResult(Body),
  names: Object.keys(fields),
  neutral: { ...commonNeutral, suffix: [] }
}

type Fields = typeof Body.Type
type Prompt = Fields["prompt"]

const isNumbers = (prompt: ReadonlyArray<unknown>): prompt is ReadonlyArray<number> =>
  prompt.every((token) => typeof token === "number")

const mixed = invalid("prompt must be a string, a list of token numbers, or a list of strings or of such lists", {
  param: "prompt"
})
const empty = invalid("prompt must not be empty", { param: "prompt" })

const tokensOfOne = (prompt: string | ReadonlyArray<number>): Result.Result<TokenBuffer, ApiError> => {
  const tokens = new TokenBuffer()
  if (typeof prompt === "string") tokens.addText(prompt)
  else tokens.addTokens(prompt)
  return tokens.length === 0 ? Result.fail(empty) : Result.succeed(tokens)
}

/** A string, a list of token numbers, or a list of several of these. */
const promptsOf = (prompt: Prompt): Result.Result<ReadonlyArray<TokenBuffer>, ApiError> => {
  if (prompt.length === 0) return Result.fail(empty)
  if (typeof prompt === "string" || isNumbers(prompt)) return Result.map(tokensOfOne(prompt), (tokens) => [tokens])
  const prompts: Array<string | ReadonlyArray<number>> = []
  for (const one of prompt) {
    if (typeof one === "number") return Result.fail(mixed)
    prompts.push(one)
  }
  return Result.all(prompts.map(tokensOfOne))
}

const problemOf = ({ best_of, echo, logprobs, n }: Fields) => {
  if (best_of !== undefined && best_of !== null && best_of !== (n ?? 1)) {
    return invalid(`best_of must be n=${n ?? 1} on this server: no choice is better than another`, {
      param: "best_of",
      code: "unsupported_parameter"
    })
  }
  if (echo === true && logprobs !== undefined && logprobs !== null) {
    return invalid(
      "logprobs cannot be given together with echo on this server: nothing is known of a prompt's tokens",
      {
        param: "logprobs",
        code: "unsupported_parameter"
      }
    )
  }
  return undefined
}

export const parseCompletion = (body: unknown): Result.Result<GenerationSpec, ApiError> =>
  Result.gen(function* () {
    const read = yield* readBody(body, reader)
    const problem = problemOf(read)
    if (problem !== undefined) return yield* Result.fail(problem)
    return {
      ...(yield* commonSpec(read, read.max_tokens ?? undefined)),
      prompts: yield* promptsOf(read.prompt),
      echo: read.echo ?? false,
      logprobs: read.logprobs ?? undefined
    }
  })
