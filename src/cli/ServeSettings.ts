/** The options of `dynosim serve` that are its own, typed and checked. */
import * as Result from "effect/Result"
import type { ConfigError } from "../config/ConfigError.ts"
import { type FlagValues, readFlags } from "../config/ReadFlags.ts"
import { serveFlags } from "../config/ServeFlags.ts"
import { makeServeOptions, type ServeOptions } from "../serve/ServeOptions.ts"
import type { UsageError } from "../settings/SettingsError.ts"

export const readServeSettings = (values: FlagValues): Result.Result<ServeOptions, UsageError | ConfigError> =>
  Result.map(readFlags(serveFlags, values), ({ allowHost, allowOrigin, maxModelLen, servedModelName, ...given }) =>
    makeServeOptions({
      host: given.host,
      allowedHosts: allowHost,
      allowedOrigins: allowOrigin,
      port: given.port,
      modelName: servedModelName,
      maxContextTokens: maxModelLen,
      defaultOutputTokens: given.defaultOutputTokens,
      maxConcurrentRequests: given.maxConcurrentRequests,
      maxBodyBytes: given.maxBodyBytes,
      requestTimeoutSeconds: given.requestTimeoutSeconds,
      clientTimeoutSeconds: given.clientTimeoutSeconds
    })
  )
