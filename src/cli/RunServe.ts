/** A served deployment from its flags to its first request. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { validateLiveDeployment } from "../config/DeploymentOptions.ts"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { DeploymentOptions } from "../run/ReplayOptions.ts"
import { Pace } from "../online/Pace.ts"
import { printable } from "../report/Printable.ts"
import { deploy, type Deployment } from "../run/Deployment.ts"
import { isLoopback } from "../serve/AllowedHosts.ts"
import { serve } from "../serve/Server.ts"
import type { ServeOptions } from "../serve/ServeOptions.ts"
import { givenOptions } from "./OptionFiles.ts"
import { readServeSettings } from "./ServeSettings.ts"
import { signalled } from "./Signals.ts"
import { counted } from "../settings/Counted.ts"
import { cannotListen } from "./CannotListen.ts"

/** `flags` are those of the command line, by name without dashes. */
export const runServe = Effect.fnUntraced(function* (flags: FlagValues) {
  const settings = yield* Effect.fromResult(readServeSettings(flags))
  const { given } = yield* givenOptions([], flags)
  const options = yield* Effect.fromResult(validateLiveDeployment(given))
  const { live, notices: unused, pools } = yield* deploy(options)
  const notices = [...options.notices, ...unused, ...exposure(settings)]
  if (!options.quiet)
    yield* Effect.forEach(notices, (notice) => Console.error(`note: ${printable(notice)}`), { discard: true })
  return yield* serve(settings, (url) => Console.log(greeting(settings, options, pools, url))).pipe(
    // The order to end: a server has no other way to end well.
    Effect.raceFirst(signalled("SIGTERM")),
    Effect.catchTag("ServeError", (error) => Effect.fail(cannotListen(settings, error))),
    Effect.provide(Layer.merge(live, Pace.layerLive))
  )
}, Effect.scoped)

const exposure = ({ host }: ServeOptions): ReadonlyArray<string> =>
  isLoopback(host) ? [] : [`--host: ${host} may be reached from other machines, and there is no authentication`]

const greeting = (
  { modelName }: ServeOptions,
  { routing }: DeploymentOptions,
  pools: Deployment["pools"],
  url: string
): string => {
  const workers = pools.map(({ role, workers }) =>
    counted(workers, role === "aggregated" ? "worker" : `${role} worker`)
  )
  return `serving ${printable(modelName)} on ${url}: ${workers.join(" and ")}, ${routing.mode}`
}
