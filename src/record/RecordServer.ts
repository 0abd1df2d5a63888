/** The recorder behind an HTTP server on Node. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { SettingsError } from "../settings/SettingsError.ts"
import { proxy, type Records } from "./Proxy.ts"
import { checkedRecordOptions, type RecordOptions } from "./RecordOptions.ts"

/** What answers under way are left when the recording stops. */
const shutdownGrace = "200 millis"

const nodeServer = ({ host, port }: RecordOptions): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.effect(HttpServer.HttpServer)(
    Effect.suspend(() => {
      const server = createServer({ requireHostHeader: false })
      return NodeHttpServer.make(() => server, { host, port, gracefulShutdownTimeout: shutdownGrace }).pipe(
        Effect.tap(() => Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      )
    })
  )

/** Records until interrupted. `started` is told the address. */
export const record = <R>(
  given: RecordOptions,
  records: Records,
  started: (url: string) => Effect.Effect<void, never, R>
): Effect.Effect<never, SettingsError | ServeError, R> =>
  Effect.flatMap(Effect.fromResult(checkedRecordOptions(given)), (options) =>
    Effect.gen(function* () {
      const server = yield* HttpServer.HttpServer
      yield* started(HttpServer.formatAddress(server.address))
      return yield* Effect.never
    }).pipe(
      Effect.provide(
        HttpServer.serve(proxy(options, records)).pipe(
          Layer.provideMerge(nodeServer(options)),
          Layer.provide(NodeHttpClient.layerNodeHttp)
        )
      )
    )
  )
