/** A server with the default engine, for the load tests: `npx node bench/online/server.ts [port = 8000] [workers = 4] [router]`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { defaultEngineArgs } from "../../src/engine/EngineArgs.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import * as LiveTopology from "../../src/online/LiveTopology.ts"
import { Pace } from "../../src/online/Pace.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { defaultServeOptions } from "../../src/serve/ServeOptions.ts"
import { serve } from "../../src/serve/Server.ts"

const [port = "8000", workers = "4"] = process.argv.slice(2)

NodeRuntime.runMain(
  serve({ ...defaultServeOptions, port: Number(port) }, (url) => Console.log(url)).pipe(
    Effect.provide([
      LiveTopology.layerAggregated({ workers: Number(workers) }).pipe(
        Layer.provide([VllmEngine.layer(defaultEngineArgs), RoundRobin.layer]),
        Layer.provide(PolynomialTiming.layer)
      ),
      Pace.layerLive
    ])
  )
)
