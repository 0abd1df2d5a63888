/** `--router-mode kv_router` as a layer. Each pool of each run gets a core of its own, seeded alike. */
import * as Layer from "effect/Layer"
import { Router } from "../Router.ts"
import { type DecisionHook, KvRouterCore } from "./KvRouterCore.ts"
import type { KvRouterOptions } from "./KvRouterOptions.ts"

/** `hook` sees every decision and may replace it: see {@link DecisionHook}. */
export const layer = (options: KvRouterOptions, hook?: DecisionHook): Layer.Layer<Router> =>
  Layer.succeed(
    Router,
    Router.of({
      name: "kv_router",
      make: (context) => new KvRouterCore(options, context, hook)
    })
  )
