/** The routes of the endpoint. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { version } from "../report/Version.ts"
import { type ApiError, errorResponse, invalid, serverError } from "./ApiError.ts"
import { chat, completions, type Endpoint, wholeAnswer } from "./Endpoint.ts"
import { eventStream } from "./EventStream.ts"
import type { Generation } from "./Generation.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import { prometheusContentType } from "./PrometheusText.ts"
import { jsonBody } from "./RequestBody.ts"
import type { ServeOptions } from "./ServeOptions.ts"
import { SimulatedModel } from "./SimulatedModel.ts"
import type { SlowClients } from "./SlowClients.ts"

type Response = HttpServerResponse.HttpServerResponse
type Model = SimulatedModel["Service"]

const unknownModel = (name: string): ApiError =>
  invalid(`the model ${JSON.stringify(name.slice(0, 80))} does not exist`, {
    status: 404,
    param: "model",
    code: "model_not_found"
  })

/** Answers with the error in the API's form, and counts it. */
const answered = <R>(model: Model, response: Effect.Effect<Response, ApiError, R>): Effect.Effect<Response, never, R> =>
  Effect.catch(response, (error) =>
    Effect.sync(() => {
      model.metrics.refused(error.status)
      return errorResponse(error)
    })
  )

const generate = (
  endpoint: Endpoint,
  model: Model,
  options: ServeOptions,
  clients: SlowClients
): Effect.Effect<Response, ApiError, HttpServerRequest | Scope.Scope> =>
  Effect.gen(function* () {
    const body = yield* jsonBody(yield* HttpServerRequest, options.maxBodyBytes)
    const spec = yield* Effect.fromResult(endpoint.parse(body))
    if (spec.model !== model.name) return yield* unknownModel(spec.model)
    const generation = yield* model.generate(spec)
    if (spec.stream) return yield* streamed(endpoint, generation, spec, clients)
    return HttpServerResponse.jsonUnsafe(wholeAnswer(endpoint, generation, model.name, yield* generation.text))
  })

const streamed = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  generation: Generation,
  spec: GenerationSpec,
  clients: SlowClients
): Effect.fn.Return<Response, never, Scope.Scope> {
  const writing = yield* Effect.acquireRelease(
    Effect.withFiber((fiber) => Effect.sync(() => clients.add(fiber))),
    (writing) => Effect.sync(() => clients.remove(writing))
  )
  const events = eventStream(generation, {
    endpoint,
    model: spec.model,
    withUsage: spec.streamUsage,
    onWrite: (waiting) => void (writing.sinceMs = waiting ? performance.now() : Number.NaN)
  })
  return HttpServerResponse.stream(events, {
    contentType: "text/event-stream; charset=utf-8",
    headers: { "cache-control": "no-cache" }
  })
})

const modelCard = (model: Model) => ({
  id: model.name,
  object: "model",
  created: 0,
  owned_by: "dynosim",
  max_model_len: model.contextTokens
})

const methodsByPath: Readonly<Record<string, string>> = {
  "/v1/completions": "POST",
  "/v1/chat/completions": "POST",
  "/v1/models": "GET",
  "/health": "GET",
  "/version": "GET",
  "/metrics": "GET"
}

const noRoute = (request: HttpServerRequest): Response => {
  const path = request.url.split("?", 1)[0] ?? ""
  const method = methodsByPath[path]
  if (method === undefined) return errorResponse(invalid(`there is nothing at ${path.slice(0, 80)}`, { status: 404 }))
  return HttpServerResponse.setHeader(
    errorResponse(invalid(`${path} takes ${method} requests, not ${request.method}`, { status: 405 })),
    "allow",
    method
  )
}

/** Everything that a client may ask for. */
export const layer = (options: ServeOptions, clients: SlowClients) =>
  Layer.unwrap(
    Effect.map(SimulatedModel, (model) => {
      const generating = (endpoint: Endpoint) =>
        answered(model, generate(endpoint, model, options, clients)).pipe(
          // A defect is the server's fault; its trace goes to the log, not to the client.
          Effect.catchDefect((defect) =>
            Effect.as(Effect.logError(defect), errorResponse(serverError("the server has failed on this request")))
          )
        )
      const models = HttpServerResponse.jsonUnsafe({ object: "list", data: [modelCard(model)] })
      return Layer.mergeAll(
        HttpRouter.add("POST", "/v1/completions", generating(completions)),
        HttpRouter.add("POST", "/v1/chat/completions", generating(chat)),
        HttpRouter.add("GET", "/v1/models", models),
        HttpRouter.add("GET", "/v1/models/:model", modelByName(model)),
        HttpRouter.add("GET", "/health", HttpServerResponse.empty({ status: 200 })),
        HttpRouter.add("GET", "/version", HttpServerResponse.jsonUnsafe({ version })),
        HttpRouter.add(
          "GET",
          "/metrics",
          Effect.sync(() => HttpServerResponse.text(model.metricsText(), { contentType: prometheusContentType }))
        ),
        HttpRouter.add("*", "/*", (request) => Effect.sync(() => noRoute(request)))
      )
    })
  )

const modelByName = (model: Model) =>
  answered(
    model,
    Effect.flatMap(HttpRouter.params, ({ model: name }) =>
      name === model.name
        ? Effect.succeed(HttpServerResponse.jsonUnsafe(modelCard(model)))
        : Effect.fail(unknownModel(name ?? ""))
    )
  )
