/**
 * The fields that both endpoints share: what they mean here, and which of them cannot be honoured.
 *
 * Parameters that only shape which words a model picks (temperature, penalties, stop strings, …) are accepted and change nothing:
 * the output has the length asked for. Parameters that would change the form of the answer are refused.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { type ApiError, invalid } from "./ApiError.ts"

/** A field that may be left out or `null`. */
export const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const atLeast = (minimum: number) => Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum))

export const commonFields = {
  model: Schema.String,
  max_tokens: nullable(atLeast(1)),
  n: nullable(atLeast(1)),
  seed: nullable(Schema.Int),
  stream: nullable(Schema.Boolean),
  stream_options: nullable(Schema.Struct({ include_usage: nullable(Schema.Boolean) }))
} as const

const format = SchemaIssue.makeFormatterStandardSchemaV1()

type Nullable<A> = A | null

/** What {@link commonFields} decode to. */
export interface CommonFields {
  readonly model: string
  readonly n?: Nullable<number>
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

/**
 * Reads a request body. `parse` is a decoder made once by `Schema.decodeUnknownResult`; `neutral` names the parameters whose effect a
 * client would miss, each with the values that ask for none.
 */
export const readBody = <A extends CommonFields>(
  body: unknown,
  parse: Decoder<A>,
  neutral: Readonly<Record<string, ReadonlyArray<unknown>>>
): Result.Result<A, ApiError> => {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return Result.fail(invalid("the request body must be a JSON object"))
  }
  return Result.flatMap(Result.mapError(parse(body), problemOf), (fields) => {
    const problem = commonProblem(fields) ?? unsupportedParameter(body, neutral)
    return problem === undefined ? Result.succeed(fields) : Result.fail(problem)
  })
}

/** What is wrong with the shared fields taken together. */
const commonProblem = (fields: CommonFields): ApiError | undefined => {
  if ((fields.n ?? 1) > 1) return invalid("n must be 1: this server makes one completion per request", { param: "n" })
  if (fields.stream_options !== undefined && fields.stream_options !== null && fields.stream !== true) {
    return invalid("stream_options may only be given together with stream: true", { param: "stream_options" })
  }
  return undefined
}

const unsupportedParameter = (
  body: object,
  neutral: Readonly<Record<string, ReadonlyArray<unknown>>>
): ApiError | undefined => {
  for (const [param, value] of Object.entries(body)) {
    if (value === null || !Object.hasOwn(neutral, param) || neutral[param]!.includes(value)) continue
    return invalid(`${param} cannot be ${JSON.stringify(value).slice(0, 80)} on this server`, { param })
  }
  return undefined
}

/** What the shared fields say about the generation. */
export const commonSpec = ({ seed, stream, stream_options }: CommonFields) => ({
  seed: seed ?? 0,
  stream: stream ?? false,
  streamUsage: stream_options?.include_usage ?? false
})
