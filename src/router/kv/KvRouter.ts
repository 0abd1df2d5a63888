/** `--router-mode kv_router` as a layer. Each pool of each run gets a core of its own, seeded alike. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { Router } from "../Router.ts"
import { type DecisionHook, KvRouterCore } from "./KvRouterCore.ts"
import { checkedOptions, type KvRouterOptions } from "./KvRouterOptions.ts"

/** Who sees, and may replace, the decisions of all KV routers that are built below it; nobody unless provided. */
export const DecisionWatch = Context.Reference<DecisionHook | undefined>("dynosim/router/kv/DecisionWatch", {
  defaultValue: () => undefined
})

/** `hook` sees every decision and may replace it: see {@link DecisionHook}. Without one {@link DecisionWatch} does. */
export const layer = (options: KvRouterOptions, hook?: DecisionHook): Layer.Layer<Router, SettingsError> =>
  Layer.effect(Router)(
    Effect.zipWith(DecisionWatch, Effect.fromResult(checkedOptions(options)), (watch, checked) =>
      Router.of({
        name: "kv_router",
        followsCaches: true,
        make: (context) => new KvRouterCore(checked, context, hook ?? watch)
      })
    )
  )
