/**
 * The parameters that completions and chat share: what they mean here, and which of them cannot be honoured.
 *
 * Parameters that only shape which words a model picks (temperature, penalties, …) are checked and change nothing: the words are made
 * up. Parameters that would change the form of the answer are refused, and so is every name that nobody knows.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { closestName } from "../settings/ClosestName.ts"
import { type ApiError, invalid } from "./ApiError.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"

/** A field that may be left out or `null`. */
export const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const range = (minimum: number, maximum: number | undefined) =>
  maximum === undefined ? Schema.isGreaterThanOrEqualTo(minimum) : Schema.isBetween({ minimum, maximum })
const integer = (minimum: number, maximum?: number) => Schema.Int.check(range(minimum, maximum))
const number = (minimum: number, maximum?: number) => Schema.Finite.check(range(minimum, maximum))

/** More choices than anybody compares. */
const mostChoices = 128
/** Alternatives per token at most, as in the API. */
export const mostAlternatives = 20

const StopString = Schema.String.check(Schema.isMinLength(1))

/** What shapes the words alone. */
const sampling = {
  temperature: nullable(number(0)),
  top_p: nullable(number(0, 1)),
  top_k: nullable(integer(-1)),
  min_p: nullable(number(0, 1)),
  presence_penalty: nullable(number(-2, 2)),
  frequency_penalty: nullable(number(-2, 2)),
  repetition_penalty: nullable(number(0)),
  length_penalty: nullable(Schema.Finite),
  logit_bias: nullable(Schema.Record(Schema.String, Schema.Finite)),
  ignore_eos: nullable(Schema.Boolean),
  skip_special_tokens: nullable(Schema.Boolean),
  spaces_between_special_tokens: nullable(Schema.Boolean),
  add_special_tokens: nullable(Schema.Boolean),
  user: nullable(Schema.String)
} as const

export const commonFields = {
  model: Schema.String,
  max_tokens: nullable(integer(1)),
  min_tokens: nullable(integer(0)),
  n: nullable(integer(1, mostChoices)),
  stop: nullable(Schema.Union([StopString, Schema.Array(StopString)])),
  include_stop_str_in_output: nullable(Schema.Boolean),
  response_format: nullable(Schema.Struct({ type: Schema.String })),
  seed: nullable(Schema.Int),
  stream: nullable(Schema.Boolean),
  stream_options: nullable(Schema.Struct({ include_usage: nullable(Schema.Boolean) })),
  ...sampling
} as const

/** Parameters that cannot be honoured, each with the values that ask for nothing, beside `null` and what is empty. */
export type NeutralValues = Readonly<Record<string, ReadonlyArray<unknown>>>

export const commonNeutral: NeutralValues = {
  allowed_token_ids: [],
  bad_words: [],
  cache_salt: [],
  guided_choice: [],
  guided_grammar: [],
  guided_json: [],
  guided_regex: [],
  kv_transfer_params: [],
  logits_processors: [],
  priority: [0],
  prompt_logprobs: [],
  return_token_ids: [false],
  return_tokens_as_token_ids: [false],
  stop_token_ids: [],
  structured_outputs: [],
  truncate_prompt_tokens: [],
  use_beam_search: [false]
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

type Nullable<A> = A | null

/** What {@link commonFields} decode to, as far as it matters. */
export interface CommonFields {
  readonly model: string
  readonly min_tokens?: Nullable<number>
  readonly n?: Nullable<number>
  readonly stop?: Nullable<string | ReadonlyArray<string>>
  readonly include_stop_str_in_output?: Nullable<boolean>
  readonly response_format?: Nullable<{ readonly type: string }>
  readonly seed?: Nullable<number>
  readonly stream?: Nullable<boolean>
  readonly stream_options?: Nullable<{ readonly include_usage?: Nullable<boolean> }>
}

/** The first field that is wrong, and what is wrong with it, from a schema error. */
const problemOf = (error: Schema.SchemaError): ApiError => {
  const [first] = format(error.issue).issues
  const path = (first?.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
  const param = path.join(".")
  const message = first?.message ?? error.message
  return invalid(`${param}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`, { param })
}

type Decoder<A> = (body: unknown) => Result.Result<A, Schema.SchemaError>

/** A body that is a JSON object with known names. */
export interface BodyReader<A> {
  /** Made once by `Schema.decodeUnknownResult`. */
  readonly parse: Decoder<A>
  /** Names that `parse` reads. */
  readonly names: ReadonlyArray<string>
  readonly neutral: NeutralValues
}

/** Reads a body: first its form, then what is asked for in vain. */
export const readBody = <A>(body: unknown, { names, neutral, parse }: BodyReader<A>): Result.Result<A, ApiError> => {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return Result.fail(invalid("the request body must be a JSON object"))
  }
  return Result.flatMap(Result.mapError(parse(body), problemOf), (fields) => {
    const problem = unsupportedParameter(body, neutral) ?? unknownParameter(body, [...names, ...Object.keys(neutral)])
    return problem === undefined ? Result.succeed(fields) : Result.fail(problem)
  })
}

const asksForNothing = (value: unknown, neutral: ReadonlyArray<unknown>): boolean => {
  if (value === null || value === "" || neutral.includes(value)) return true
  return typeof value === "object" && Object.keys(value).length === 0
}

const unsupportedParameter = (body: object, neutral: NeutralValues): ApiError | undefined => {
  for (const [param, value] of Object.entries(body)) {
    if (!Object.hasOwn(neutral, param) || asksForNothing(value, neutral[param]!)) continue
    return invalid(`${param} cannot be ${JSON.stringify(value).slice(0, 80)} on this server, whose words are made up`, {
      param,
      code: "unsupported_parameter"
    })
  }
  return undefined
}

const unknownParameter = (body: object, names: ReadonlyArray<string>): ApiError | undefined => {
  const known = new Set(names)
  const param = Object.keys(body).find((name) => !known.has(name))
  if (param === undefined) return undefined
  const nearest = closestName(param, names)
  const hint = nearest === undefined ? "" : `: did you mean ${nearest}?`
  return invalid(`${JSON.stringify(param.slice(0, 80))} is not a parameter of this endpoint${hint}`, {
    param,
    code: "unknown_parameter"
  })
}

const stopStrings = (stop: CommonFields["stop"]): ReadonlyArray<string> =>
  typeof stop === "string" ? [stop] : (stop ?? [])

type CommonSpec = Omit<GenerationSpec, "prompts" | "echo" | "logprobs">

/** What the shared fields say about the generation. `outputTokens` is what the endpoint's own fields say. */
export const commonSpec = (
  fields: CommonFields,
  outputTokens: number | undefined
): Result.Result<CommonSpec, ApiError> => {
  const { include_stop_str_in_output, min_tokens, model, n, response_format, seed, stop, stream, stream_options } =
    fields
  if ((response_format?.type ?? "text") !== "text") {
    return Result.fail(
      invalid("response_format can only be text on this server, whose words are made up", {
        param: "response_format",
        code: "unsupported_parameter"
      })
    )
  }
  if (stream_options !== undefined && stream_options !== null && stream !== true) {
    return Result.fail(
      invalid("stream_options may only be given together with stream: true", { param: "stream_options" })
    )
  }
  if (outputTokens !== undefined && (min_tokens ?? 0) > outputTokens) {
    return Result.fail(
      invalid(`min_tokens must be at most max_tokens=${outputTokens}, got ${min_tokens}`, { param: "min_tokens" })
    )
  }
  return Result.succeed({
    model,
    outputTokens,
    choicesPerPrompt: n ?? 1,
    stop: { strings: stopStrings(stop), kept: include_stop_str_in_output ?? false, minTokens: min_tokens ?? 0 },
    seed: seed ?? 0,
    stream: stream ?? false,
    streamUsage: stream_options?.include_usage ?? false
  })
}
