/** The routes of the endpoint. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { version } from "../report/Version.ts"
import { bareAddress, isLoopback } from "./AllowedHosts.ts"
import { ApiError, invalid } from "./ApiError.ts"
import { wholeAnswer } from "./Answer.ts"
import { chat, completions, type Endpoint } from "./Endpoint.ts"
import { eventStream } from "./EventStream.ts"
import { frontDoor, type Handler } from "./FrontDoor.ts"
import type { Generation } from "./Generation.ts"
import { prometheusContentType } from "./PrometheusText.ts"
import { jsonBody } from "./RequestBody.ts"
import { parseScale, scaleJson } from "./ScaleRequest.ts"
import type { ServeOptions } from "./ServeOptions.ts"
import { SimulatedModel } from "./SimulatedModel.ts"
import type { SlowClients } from "./SlowClients.ts"
import { parseDetokenize, parseTokenize } from "./Tokenisation.ts"
import { unsupportedEndpoints } from "./UnsupportedEndpoints.ts"

type Response = HttpServerResponse.HttpServerResponse
type Model = SimulatedModel["Service"]

const unknownModel = (name: string): ApiError =>
  invalid(`the model ${JSON.stringify(name.slice(0, 80))} does not exist`, {
    status: 404,
    param: "model",
    code: "model_not_found"
  })

/** Whoever names the model wrongly, or not at all, is told its name. */
const namingModel = ({ name }: Model, error: ApiError): ApiError =>
  error.param === "model"
    ? new ApiError({ ...error, problem: `${error.problem}; this server has the model ${JSON.stringify(name)}` })
    : error

const jsonOf = (options: ServeOptions): Effect.Effect<unknown, ApiError, HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, (request) => jsonBody(request, options.maxBodyBytes))

const checkModel = (model: Model, name: string | undefined): Effect.Effect<void, ApiError> =>
  name === undefined || name === model.name ? Effect.void : Effect.fail(unknownModel(name))

const generate = (
  endpoint: Endpoint,
  model: Model,
  options: ServeOptions,
  clients: SlowClients
): Handler<HttpServerRequest | Scope.Scope> =>
  Effect.gen(function* () {
    const parsed = Effect.fromResult(endpoint.parse(yield* jsonOf(options)))
    const named = Effect.tap(parsed, (spec) => checkModel(model, spec.model))
    const spec = yield* Effect.mapError(named, (error) => namingModel(model, error))
    const generation = yield* model.generate(spec)
    if (spec.stream) return yield* streamed(endpoint, generation, clients)
    yield* generation.ended
    return HttpServerResponse.jsonUnsafe(wholeAnswer(endpoint, generation))
  })

const streamed = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  generation: Generation,
  clients: SlowClients
): Effect.fn.Return<Response, never, Scope.Scope> {
  const writing = yield* Effect.acquireRelease(
    Effect.withFiber((fiber) => Effect.sync(() => clients.add(fiber))),
    (writing) => Effect.sync(() => clients.remove(writing))
  )
  const events = eventStream(
    endpoint,
    generation,
    (waiting) => void (writing.sinceMs = waiting ? performance.now() : Number.NaN)
  )
  return HttpServerResponse.stream(events, {
    contentType: "text/event-stream; charset=utf-8",
    headers: { "cache-control": "no-cache" }
  })
})

const tokenize = (model: Model, options: ServeOptions): Handler<HttpServerRequest> =>
  Effect.gen(function* () {
    const { model: name, tokens, withTexts } = yield* Effect.fromResult(parseTokenize(yield* jsonOf(options)))
    yield* checkModel(model, name)
    const numbers = tokens.numbers()
    return HttpServerResponse.jsonUnsafe({
      count: tokens.length,
      max_model_len: model.contextTokens,
      tokens: numbers,
      token_strs: withTexts ? numbers.map((_, index) => tokens.text(index, index + 1)) : null
    })
  })

const detokenize = (model: Model, options: ServeOptions): Handler<HttpServerRequest> =>
  Effect.gen(function* () {
    const { model: name, tokens } = yield* Effect.fromResult(parseDetokenize(yield* jsonOf(options)))
    yield* checkModel(model, name)
    return HttpServerResponse.jsonUnsafe({ prompt: tokens.text() })
  })

/** Only callers on this machine may change what there is. */
const checkLocal: Effect.Effect<void, ApiError, HttpServerRequest> = Effect.flatMap(
  HttpServerRequest,
  ({ remoteAddress }) =>
    isLoopback(bareAddress(Option.getOrElse(remoteAddress, () => "")))
      ? Effect.void
      : Effect.fail(invalid("only callers on this machine may scale it", { status: 403, code: "not_local" }))
)

const scale = (model: Model, options: ServeOptions): Handler<HttpServerRequest> =>
  Effect.gen(function* () {
    yield* checkLocal
    const roles = model.pools().map(({ role }) => role)
    const { pool, workers } = yield* Effect.fromResult(parseScale(yield* jsonOf(options), roles))
    return HttpServerResponse.jsonUnsafe(scaleJson(yield* model.scale(pool, workers)))
  })

const modelCard = (model: Model) => ({
  id: model.name,
  object: "model",
  created: 0,
  owned_by: "dynosim",
  max_model_len: model.contextTokens
})

const modelByName = (model: Model): Handler<HttpRouter.RouteContext> =>
  Effect.flatMap(HttpRouter.params, ({ model: name }) =>
    name === model.name
      ? Effect.succeed(HttpServerResponse.jsonUnsafe(modelCard(model)))
      : Effect.fail(unknownModel(name ?? ""))
  )

/** Answers by what is asked: the state of the pools, or another number of workers. */
const scaling = (model: Model, options: ServeOptions): Handler<HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, ({ method }) =>
    method === "POST"
      ? scale(model, options)
      : Effect.sync(() => HttpServerResponse.jsonUnsafe(scaleJson(model.pools())))
  )

interface Route {
  readonly methods: ReadonlyArray<string>
  readonly path: HttpRouter.PathInput
  readonly handler: Handler<HttpServerRequest | HttpRouter.RouteContext | Scope.Scope>
}

/** Whatever can be got can also be asked for its head alone. */
const reading = ["GET", "HEAD"]

const routesOf = (model: Model, options: ServeOptions, clients: SlowClients): ReadonlyArray<Route> => {
  const get = (path: HttpRouter.PathInput, handler: Route["handler"]): Route => ({ methods: reading, path, handler })
  const post = (path: HttpRouter.PathInput, handler: Route["handler"]): Route => ({ methods: ["POST"], path, handler })
  const alive = Effect.succeed(HttpServerResponse.empty({ status: 200 }))
  return [
    post("/v1/completions", generate(completions, model, options, clients)),
    post("/v1/chat/completions", generate(chat, model, options, clients)),
    post("/tokenize", tokenize(model, options)),
    post("/detokenize", detokenize(model, options)),
    get(
      "/v1/models",
      Effect.sync(() => HttpServerResponse.jsonUnsafe({ object: "list", data: [modelCard(model)] }))
    ),
    get("/v1/models/:model", modelByName(model)),
    get("/health", alive),
    { methods: [...reading, "POST"], path: "/ping", handler: alive },
    get(
      "/load",
      Effect.sync(() => HttpServerResponse.jsonUnsafe({ server_load: model.load() }))
    ),
    get("/version", Effect.succeed(HttpServerResponse.jsonUnsafe({ version }))),
    get(
      "/metrics",
      Effect.sync(() => HttpServerResponse.text(model.metricsText(), { contentType: prometheusContentType }))
    ),
    { methods: [...reading, "POST"], path: "/scale", handler: scaling(model, options) },
    ...unsupportedEndpoints.map(({ path, problem }) => post(path, Effect.fail(problem)))
  ]
}

const pathOf = ({ url }: HttpServerRequest): string => url.split("?", 1)[0] ?? ""

const nothingThere = (request: HttpServerRequest): ApiError =>
  invalid(
    `there is nothing at ${JSON.stringify(pathOf(request).slice(0, 80))}; the base URL of OpenAI clients ends in /v1, see docs/serve.md for all that there is`,
    { status: 404, code: "not_found" }
  )

/** Answers by the method: the route's own, or what it takes instead. */
const byMethod = (route: Route): Route["handler"] =>
  Effect.flatMap(HttpServerRequest, ({ method }) => {
    if (route.methods.includes(method)) return route.handler
    const allow = route.methods.join(", ")
    const problem = `${route.path} takes ${allow} requests, not ${method}`
    return Effect.fail(invalid(problem, { status: 405, code: "method_not_allowed", headers: { allow } }))
  })

/** Answers every request, whatever it asks for. */
export const app = Effect.fnUntraced(function* (options: ServeOptions, clients: SlowClients) {
  const model = yield* SimulatedModel
  const layers = routesOf(model, options, clients).map((route) => HttpRouter.add("*", route.path, byMethod(route)))
  const routed = yield* HttpRouter.toHttpEffect(Layer.mergeAll(Layer.empty, ...layers))
  const found: Handler<HttpServerRequest | Scope.Scope> = Effect.catchTag(routed, "HttpServerError", ({ request }) =>
    Effect.fail(nothingThere(request))
  )
  return frontDoor(options, (status) => model.metrics.refused(status))(found)
})
