/** What a client is told when its request cannot be served, in the form of the OpenAI API. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import { counted } from "../settings/Counted.ts"

export class ApiError extends Schema.TaggedError<ApiError>()("ApiError", {
  status: Schema.Int,
  /** `invalid_request_error`, `rate_limit_error`, … */
  type: Schema.String,
  /** The offending parameter, `null` when it is not one of them. */
  param: Schema.NullOr(Schema.String),
  code: Schema.NullOr(Schema.String),
  problem: Schema.String,
  /** Headers that the answer carries beside the usual ones. */
  headers: Schema.Record(Schema.String, Schema.String)
}) {
  override get message(): string {
    return this.problem
  }
}

/** A request that is wrong in itself: status 400 unless said otherwise. */
export const invalid = (
  problem: string,
  more: {
    readonly param?: string
    readonly code?: string
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
  } = {}
): ApiError =>
  new ApiError({
    status: more.status ?? 400,
    type: "invalid_request_error",
    param: more.param ?? null,
    code: more.code ?? null,
    problem,
    headers: more.headers ?? {}
  })

export const tooManyRequests = (limit: number): ApiError =>
  new ApiError({
    status: 429,
    type: "rate_limit_error",
    param: null,
    code: "rate_limit_exceeded",
    problem: `${counted(limit, "request")} ${limit === 1 ? "is" : "are"} being served already: try again later`,
    headers: { "retry-after": "1" }
  })

export const serverError = (problem: string, status = 500): ApiError =>
  new ApiError({ status, type: "server_error", param: null, code: null, problem, headers: {} })

/** The body: `{"error": {message, type, param, code}}`. */
export const errorBody = ({ code, param, problem, type }: ApiError) => ({
  error: { message: problem, type, param, code }
})

export const errorResponse = (error: ApiError): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(errorBody(error), { status: error.status, headers: error.headers })
