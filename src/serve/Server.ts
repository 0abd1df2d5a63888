/** `dynosim serve`: the simulated model behind an HTTP server on Node. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { LiveTopology } from "../online/LiveTopology.ts"
import type { Pace } from "../online/Pace.ts"
import type { SettingsError } from "../settings/SettingsError.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import { answerRefused } from "./RefusedConnections.ts"
import * as Routes from "./Routes.ts"
import { checkedServeOptions, type ServeOptions } from "./ServeOptions.ts"
import { SimulatedModel } from "./SimulatedModel.ts"
import { SlowClients } from "./SlowClients.ts"

/** How often Node looks for requests that have taken too long, ms. */
const checkIntervalMs = 1000
/** What requests under way are left when the server stops. */
const shutdownGrace = "200 millis"

/** A Node server with the limits on slow requests; its connections end with the scope. */
const nodeServer = ({
  host,
  port,
  requestTimeoutSeconds
}: ServeOptions): Layer.Layer<HttpServer.HttpServer, ServeError, SimulatedModel> =>
  Layer.effect(HttpServer.HttpServer)(
    Effect.flatMap(SimulatedModel, ({ metrics }) => {
      const requestTimeoutMs = requestTimeoutSeconds * 1000
      const server = createServer({
        requestTimeout: requestTimeoutMs,
        headersTimeout: requestTimeoutMs,
        connectionsCheckingInterval: Math.min(checkIntervalMs, requestTimeoutMs),
        // A missing one is answered by the routes, like a wrong one.
        requireHostHeader: false
      })
      answerRefused(server, (status) => metrics.refused(status))
      return NodeHttpServer.make(() => server, { host, port, gracefulShutdownTimeout: shutdownGrace }).pipe(
        // Runs before the server is closed, which would wait for connections that have not sent their request.
        Effect.tap(() => Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      )
    })
  )

/**
 * Serves until interrupted; fails when an option cannot be used, when it cannot listen, or when the deployment fails. `started` is told
 * the address.
 */
export const serve = <R>(
  given: ServeOptions,
  started: (url: string) => Effect.Effect<void, never, R>
): Effect.Effect<never, SettingsError | ServeError | ReplayError, LiveTopology | Pace | R> =>
  Effect.flatMap(Effect.fromResult(checkedServeOptions(given)), (options) => {
    const clients = new SlowClients(options.clientTimeoutSeconds * 1000)
    const app = Layer.unwrap(Effect.map(Routes.app(options, clients), (handler) => HttpServer.serve(handler)))
    return Effect.gen(function* () {
      const model = yield* SimulatedModel
      const server = yield* HttpServer.HttpServer
      yield* started(HttpServer.formatAddress(server.address))
      return yield* Effect.raceFirst(model.failure, clients.watch)
    }).pipe(
      Effect.provide(
        app.pipe(Layer.provideMerge(nodeServer(options)), Layer.provideMerge(SimulatedModel.layer(options)))
      )
    )
  })
