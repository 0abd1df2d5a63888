/**
 * Answers what Node's HTTP parser refuses before any route sees it: requests that are slow, malformed, too long in their head, or
 * that expect what nobody offers. Node itself would answer them without a body.
 */
import type { Server, ServerResponse } from "node:http"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type ApiError, errorBody, invalid } from "./ApiError.ts"
import { newRequestId, requestIdHeader } from "./RequestId.ts"

const refusals: Readonly<Record<string, ApiError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: invalid("the request was not received whole in time", {
    status: 408,
    code: "request_timeout"
  }),
  HPE_HEADER_OVERFLOW: invalid("the head of the request is too large", { status: 431, code: "header_too_large" }),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: invalid("the chunk extensions are too large", {
    status: 413,
    code: "request_too_large"
  })
}

const malformed = invalid("this is not an HTTP/1.1 request that can be read", { code: "malformed_request" })
const unknownExpectation = invalid("the only expectation that can be met is 100-continue", { status: 417 })

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  413: "Payload Too Large",
  431: "Request Header Fields Too Large"
}

const textOf = (error: ApiError): string => {
  const body = JSON.stringify(errorBody(error))
  return [
    `HTTP/1.1 ${error.status} ${reasons[error.status]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${requestIdHeader}: ${newRequestId()}`,
    "Connection: close",
    "",
    body
  ].join("\r\n")
}

/** `refused` is told the status of every answer. */
export const answerRefused = (server: Server, refused: (status: number) => void): void => {
  /** The answer under way on a connection, if any. */
  const responses = new WeakMap<Duplex, ServerResponse>()
  server.on("request", ({ socket }, response) => void responses.set(socket, response))
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const started = responses.get(socket)
    // After the status nothing can be told any more, and a connection that the client has reset takes no answer.
    const untold = started === undefined || started.writableFinished || !started.headersSent
    if (socket.writable && untold && error.code !== "ECONNRESET") {
      const refusal = refusals[error.code ?? ""] ?? malformed
      refused(refusal.status)
      socket.write(textOf(refusal))
    }
    if (socket instanceof Socket) socket.destroySoon()
    else socket.destroy()
  })
  server.on("checkExpectation", (_request, response) => {
    refused(unknownExpectation.status)
    const body = JSON.stringify(errorBody(unknownExpectation))
    response.writeHead(unknownExpectation.status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      [requestIdHeader]: newRequestId()
    })
    response.end(body)
  })
}
