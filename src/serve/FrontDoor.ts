/** What every request passes on its way in and every answer on its way out: its name, the host check, CORS, errors as JSON. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { printableLines } from "../report/Printable.ts"
import { AllowedHosts } from "./AllowedHosts.ts"
import { type ApiError, errorResponse, serverError } from "./ApiError.ts"
import { requestIdHeader, requestIdOf } from "./RequestId.ts"
import type { ServeOptions } from "./ServeOptions.ts"

type Response = HttpServerResponse.HttpServerResponse

/** What a route gives. */
export type Handler<R> = Effect.Effect<Response, ApiError, R>

/** How long a browser may remember what it is allowed, s. */
const preflightSeconds = 600

const everyOrigin = "*"

/** Lets pages of the allowed origins in; without any, browsers keep all pages out. */
const cors = ({
  allowedOrigins
}: ServeOptions): (<R>(handler: Handler<R>) => Effect.Effect<Response, ApiError, R | HttpServerRequest>) =>
  allowedOrigins.length === 0
    ? (handler) => handler
    : HttpMiddleware.cors({
        // An empty list stands for any origin there.
        allowedOrigins: allowedOrigins.includes(everyOrigin) ? [] : allowedOrigins,
        allowedMethods: ["GET", "HEAD", "POST"],
        exposedHeaders: [requestIdHeader, "retry-after"],
        maxAge: preflightSeconds
      })

const traceOf = (defect: unknown): string =>
  defect instanceof Error ? (defect.stack ?? defect.message) : String(defect)

/** `refused` is told the status of every error. */
export const frontDoor = (options: ServeOptions, refused: (status: number) => void) => {
  const hosts = new AllowedHosts(options.host, options.allowedHosts)
  const withCors = cors(options)
  const failed = (error: ApiError): Response => {
    refused(error.status)
    return errorResponse(error)
  }
  return <R>(handler: Handler<R>): Effect.Effect<Response, never, R | HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest, ({ headers }) => {
      const problem = hosts.problemOf(headers["host"])
      const answer: Handler<R | HttpServerRequest> = problem === undefined ? withCors(handler) : Effect.fail(problem)
      return answer.pipe(
        Effect.catch((error) => Effect.sync(() => failed(error))),
        // A defect is the server's fault; its trace goes to standard error, not to the client.
        Effect.catchDefect((defect) =>
          Effect.as(
            Console.error(printableLines(`error: a request has failed: ${traceOf(defect)}`)),
            failed(serverError("the server has failed on this request"))
          )
        ),
        Effect.map(HttpServerResponse.setHeader(requestIdHeader, requestIdOf(headers[requestIdHeader])))
      )
    })
}
