/**
 * `dynosim record`: an HTTP server that hands every request on to another one and every answer back, byte for byte, and records those
 * that generate text. The one thing that it changes is that streams are asked for their usage.
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { isHttpMethod } from "effect/http/HttpMethod"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { type ApiError, errorResponse, invalid, serverError } from "../serve/ApiError.ts"
import type { AllowedHosts } from "../serve/AllowedHosts.ts"
import { type AnswerReader, streamedAnswer, wholeAnswer } from "./AnswerReader.ts"
import { field, parsedJson } from "../settings/LooseJson.ts"
import { promptOf } from "./PromptBytes.ts"
import type { RecordOptions } from "./RecordOptions.ts"
import { hostsOf } from "./RecordOptions.ts"
import type { Exchange, RecordedLines, Recording } from "./Recording.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Where recorded requests go, and those that are not. */
export interface Records {
  readonly recording: Recording
  readonly write: (lines: RecordedLines) => Effect.Effect<void>
  /** Told why a request is not in the trace. */
  readonly leftOut: (reason: string) => void
}

/** Headers of one connection, not of the message; of lengths and codings each side makes its own. */
const ownHeaders = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

const handedOn = (headers: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !ownHeaders.has(name)) kept[name] = value
  }
  return kept
}

const nowMs: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanoseconds) => Number(nanoseconds) / 1e6)

const generates = ({ method, url }: HttpServerRequest): boolean =>
  method === "POST" && /^\/v1\/(chat\/)?completions\/?(\?|$)/.test(url)

/** A request for text, as it goes on to the server. */
interface Asked {
  readonly body: Uint8Array
  readonly exchange: Exchange | undefined
  readonly reader: AnswerReader
}

const unrecorded = (body: Uint8Array): Asked => ({ body, exchange: undefined, reader: wholeAnswer() })

const asksForUsage = (body: object): boolean => field(field(body, "stream_options"), "include_usage") === true

const withUsage = (body: object): Uint8Array => {
  const options = field(body, "stream_options")
  const asked = { ...body, stream_options: { ...(Predicate.isObject(options) ? options : {}), include_usage: true } }
  return new TextEncoder().encode(JSON.stringify(asked))
}

const askedOf = (bytes: Uint8Array, { leftOut, recording }: Records, arrivalMs: number): Asked => {
  const body = parsedJson(new TextDecoder().decode(bytes))
  if (!Predicate.isObject(body)) return unrecorded(bytes)
  const prompt = promptOf(body)
  if (prompt.bytes === undefined) {
    leftOut(prompt.problem ?? "has no prompt")
    return unrecorded(bytes)
  }
  const exchange = recording.begin(prompt.bytes, arrivalMs)
  if (field(body, "stream") !== true) {
    return { body: bytes, exchange, reader: wholeAnswer() }
  }
  return asksForUsage(body)
    ? { body: bytes, exchange, reader: streamedAnswer(false) }
    : { body: withUsage(body), exchange, reader: streamedAnswer(true) }
}

/** The end of an exchange: recorded, or why it is not. */
const settle = (
  records: Records,
  { exchange, reader }: Asked,
  status: number,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> => {
  if (exchange === undefined) return Effect.void
  const usage = reader.usage()
  if (Exit.isSuccess(exit) && status < 300 && usage !== undefined) {
    return Effect.flatMap(nowMs, (now) => records.write(records.recording.end(exchange, usage, reader.times(), now)))
  }
  return Effect.sync(() => {
    records.recording.abandon(exchange)
    if (!Exit.isSuccess(exit)) records.leftOut("was given up before its end")
    else records.leftOut(status < 300 ? "has an answer without usage" : "was refused by the server")
  })
}

const unreachable = (upstream: string): ApiError =>
  serverError(`the server behind this recorder, ${upstream}, does not answer`, 502)

/** The answer on its way back, read in passing. */
const passing = (
  records: Records,
  asked: Asked,
  response: HttpClientResponse
): Stream.Stream<Uint8Array, HttpClientError> =>
  response.stream.pipe(
    Stream.mapEffect((piece) => Effect.map(nowMs, (now) => asked.reader.take(piece, now))),
    Stream.concat(Stream.suspend(() => Stream.make(asked.reader.rest()))),
    Stream.filter((piece) => piece.length > 0),
    Stream.onExit((exit) => settle(records, asked, response.status, exit))
  )

/** Answers every request with what the upstream answers. */
export const proxy = (options: RecordOptions, records: Records) => {
  const hosts: AllowedHosts = hostsOf(options)
  const origin = options.upstream.replace(/\/$/, "")

  const bodyOf = (request: HttpServerRequest): Effect.Effect<Uint8Array, ApiError> =>
    request.arrayBuffer.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(options.maxBodyBytes)),
      Effect.map((buffer) => new Uint8Array(buffer)),
      Effect.mapError(({ reason }) =>
        reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
          ? invalid(`the request body is larger than ${options.maxBodyBytes} bytes`, { status: 413 })
          : invalid("the request body could not be read")
      )
    )

  const handed = Effect.fnUntraced(function* (request: HttpServerRequest) {
    const problem = hosts.problemOf(request.headers["host"])
    if (problem !== undefined) return yield* problem
    const { method } = request
    if (!isHttpMethod(method)) return yield* invalid(`${method} requests are not handed on`, { status: 405 })
    const client = yield* HttpClient.HttpClient
    const bytes = yield* bodyOf(request)
    const arrivalMs = yield* nowMs
    const asked = generates(request) ? askedOf(bytes, records, arrivalMs) : unrecorded(bytes)
    const headers = {
      ...handedOn(request.headers),
      ...(asked.exchange === undefined ? {} : { "accept-encoding": "identity" })
    }
    const type = request.headers["content-type"]
    const onward = HttpClientRequest.make(method)(origin + request.url, {
      headers,
      ...(asked.body.length === 0 ? {} : { body: HttpBody.uint8Array(asked.body, type) })
    })
    const response = yield* client.execute(onward).pipe(
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : settle(records, asked, 502, exit))),
      Effect.mapError(() => unreachable(origin))
    )
    return HttpServerResponse.stream(passing(records, asked, response), {
      status: response.status,
      headers: handedOn(response.headers)
    })
  })

  return Effect.flatMap(HttpServerRequest, (request): Effect.Effect<Response, never, HttpClient.HttpClient> =>
    Effect.catch(handed(request), (error: ApiError) => Effect.succeed(errorResponse(error)))
  )
}
