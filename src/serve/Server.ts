/** `dynosim serve`: the simulated model behind an HTTP server on Node. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { Engine } from "../engine/Engine.ts"
import type { Pace } from "../online/Pace.ts"
import type { Router } from "../router/Router.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import * as Routes from "./Routes.ts"
import type { ServeOptions } from "./ServeOptions.ts"
import { SimulatedModel } from "./SimulatedModel.ts"
import { SlowClients } from "./SlowClients.ts"

/** How often Node looks for requests that have taken too long, ms. */
const checkIntervalMs = 1000
/** What requests under way are left when the server stops. */
const shutdownGrace = "200 millis"

/** A Node server with the limits on slow requests; its connections end with the scope. */
const nodeServer = ({ host, port, requestTimeoutMs }: ServeOptions): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.effect(HttpServer.HttpServer)(
    Effect.suspend(() => {
      const server = createServer({
        requestTimeout: requestTimeoutMs,
        headersTimeout: requestTimeoutMs,
        connectionsCheckingInterval: Math.min(checkIntervalMs, requestTimeoutMs)
      })
      return NodeHttpServer.make(() => server, { host, port, gracefulShutdownTimeout: shutdownGrace }).pipe(
        // Runs before the server is closed, which would wait for connections that have not sent their request.
        Effect.tap(() => Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      )
    })
  )

/** Serves until interrupted; fails when it cannot listen, or when the deployment fails. `started` is told the address. */
export const serve = <R>(
  options: ServeOptions,
  started: (url: string) => Effect.Effect<void, never, R>
): Effect.Effect<never, ServeError | ReplayError, Engine | Router | Pace | R> => {
  const clients = new SlowClients(options.clientTimeoutMs)
  const app = HttpRouter.serve(Routes.layer(options, clients), { disableLogger: true, disableListenLog: true })
  return Effect.gen(function* () {
    const model = yield* SimulatedModel
    const server = yield* HttpServer.HttpServer
    yield* started(HttpServer.formatAddress(server.address))
    return yield* Effect.raceFirst(model.failure, clients.watch)
  }).pipe(Effect.provide(Layer.provideMerge(app, [SimulatedModel.layer(options), nodeServer(options)])))
}
