/** The JSON body of a request, with an error in the API's form for everything that can be wrong with it. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { type ApiError, invalid } from "./ApiError.ts"

const tooLarge = (limit: number): ApiError =>
  invalid(`the request body is larger than ${limit} bytes`, { status: 413, code: "request_too_large" })

/** What a web page cannot send to a foreign server without asking it first. */
const jsonType = /^application\/(json|[\w.+-]+\+json)\s*(;|$)/i

const wrongType = (type: string | undefined): ApiError =>
  invalid(
    `the Content-Type header must be application/json, ${type === undefined ? "but there is none" : `got ${JSON.stringify(type.slice(0, 80))}`}`,
    { status: 415, code: "unsupported_media_type" }
  )

const readingFailed =
  (limit: number) =>
  ({ reason }: HttpServerError): ApiError =>
    reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
      ? tooLarge(limit)
      : invalid("the request body could not be read")

const parseJson = (text: string): Effect.Effect<unknown, ApiError> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) =>
      invalid(`the request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  })

export const jsonBody = (request: HttpServerRequest, maxBodyBytes: number): Effect.Effect<unknown, ApiError> =>
  Effect.suspend(() => {
    const type = request.headers["content-type"]
    if (type === undefined || !jsonType.test(type)) return Effect.fail(wrongType(type))
    if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return Effect.fail(tooLarge(maxBodyBytes))
    return request.text.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBodyBytes)),
      Effect.mapError(readingFailed(maxBodyBytes)),
      Effect.flatMap(parseJson)
    )
  })
