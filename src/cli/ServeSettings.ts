/** The options of `dynosim serve` that are its own, typed and checked. */
import * as Result from "effect/Result"
import type { ConfigError } from "../config/ConfigError.ts"
import { type FlagValues, readFlags } from "../config/ReadFlags.ts"
import { serveFlags } from "../config/ServeFlags.ts"
import { type UsageError, usageError } from "../settings/UsageError.ts"
import { defaultServeOptions, type ServeOptions } from "../serve/ServeOptions.ts"

export type ServeSettings = ServeOptions

export const readServeSettings = (values: FlagValues): Result.Result<ServeSettings, UsageError | ConfigError> =>
  Result.gen(function* () {
    const given = yield* readFlags(serveFlags, values)
    const defaults = defaultServeOptions
    const settings: ServeSettings = {
      host: given.host ?? defaults.host,
      allowedHosts: listOf(given.allowHost) ?? defaults.allowedHosts,
      allowedOrigins: listOf(given.allowOrigin) ?? defaults.allowedOrigins,
      port: given.port ?? defaults.port,
      modelName: given.servedModelName ?? defaults.modelName,
      maxContextTokens: given.maxModelLen,
      defaultOutputTokens: given.defaultOutputTokens ?? defaults.defaultOutputTokens,
      maxConcurrentRequests: given.maxConcurrentRequests ?? defaults.maxConcurrentRequests,
      maxBodyBytes: given.maxBodyBytes ?? defaults.maxBodyBytes,
      requestTimeoutMs: milliseconds(given.requestTimeoutSeconds) ?? defaults.requestTimeoutMs,
      clientTimeoutMs: milliseconds(given.clientTimeoutSeconds) ?? defaults.clientTimeoutMs,
      maxLagMs: defaults.maxLagMs
    }
    const problem = namesProblem(settings)
    return problem === undefined ? settings : yield* Result.fail(problem)
  })

/** Names between commas. */
const listOf = (text: string | undefined): ReadonlyArray<string> | undefined =>
  text?.split(",").map((name) => name.trim())

/** A host without scheme, port or path. */
const hostName = /^(\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/
/** A scheme, a host and perhaps a port, as browsers write it. */
const origin = /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(:\d+)?|[a-z][a-z0-9+.-]*:\/\/\[[0-9a-f:.]+\](:\d+)?)$/

const milliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000

const namesProblem = (settings: ServeSettings): UsageError | undefined => {
  for (const name of settings.allowedHosts) {
    if (!hostName.test(name)) {
      return usageError(
        "--allow-host",
        `expected host names without port, separated by commas, got ${JSON.stringify(name)}`
      )
    }
  }
  for (const name of settings.allowedOrigins) {
    if (!origin.test(name)) {
      return usageError("--allow-origin", `expected origins such as http://localhost:3000, got ${JSON.stringify(name)}`)
    }
  }
  return undefined
}
