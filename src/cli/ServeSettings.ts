/** The options of `dynosim serve` that are its own, typed and checked. */
import * as Result from "effect/Result"
import type { ConfigError } from "../config/ConfigError.ts"
import { FlagReader, type FlagValues } from "../config/FlagReader.ts"
import { type UsageError, usageError } from "../config/UsageError.ts"
import { defaultServeOptions, type ServeOptions } from "../serve/ServeOptions.ts"

export type ServeSettings = ServeOptions

const highestPort = 65_535
/** Longest time that Node's timers take. */
const longestSeconds = 2_147_483

export const readServeSettings = (values: FlagValues): Result.Result<ServeSettings, UsageError | ConfigError> => {
  const read = new FlagReader(values)
  const defaults = defaultServeOptions
  const settings: ServeSettings = {
    host: read.text("host") ?? defaults.host,
    allowedHosts: listOf(read.text("allow-host")) ?? defaults.allowedHosts,
    allowedOrigins: listOf(read.text("allow-origin")) ?? defaults.allowedOrigins,
    port: read.integer("port") ?? defaults.port,
    modelName: read.text("served-model-name") ?? defaults.modelName,
    maxContextTokens: read.integer("max-model-len"),
    defaultOutputTokens: read.integer("default-output-tokens") ?? defaults.defaultOutputTokens,
    maxConcurrentRequests: read.integer("max-concurrent-requests") ?? defaults.maxConcurrentRequests,
    maxBodyBytes: read.integer("max-body-bytes") ?? defaults.maxBodyBytes,
    requestTimeoutMs: milliseconds(read.number("request-timeout-seconds")) ?? defaults.requestTimeoutMs,
    clientTimeoutMs: milliseconds(read.number("client-timeout-seconds")) ?? defaults.clientTimeoutMs,
    maxLagMs: defaults.maxLagMs
  }
  const problem = read.problem ?? problemOf(settings)
  return problem === undefined ? Result.succeed(settings) : Result.fail(problem)
}

/** Names between commas. */
const listOf = (text: string | undefined): ReadonlyArray<string> | undefined =>
  text?.split(",").map((name) => name.trim())

/** A host without scheme, port or path. */
const hostName = /^(\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/
/** A scheme, a host and perhaps a port, as browsers write it. */
const origin = /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(:\d+)?|[a-z][a-z0-9+.-]*:\/\/\[[0-9a-f:.]+\](:\d+)?)$/

const milliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000

const problemOf = (settings: ServeSettings): UsageError | undefined => {
  const { host, modelName, port } = settings
  if (host === "") return usageError("--host", "must not be empty")
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
  if (modelName === "") return usageError("--served-model-name", "must not be empty")
  if (port < 0 || port > highestPort) return usageError("--port", `must be from 0 to ${highestPort}, got ${port}`)
  const counts: ReadonlyArray<readonly [flag: string, value: number | undefined]> = [
    ["--max-model-len", settings.maxContextTokens],
    ["--default-output-tokens", settings.defaultOutputTokens],
    ["--max-concurrent-requests", settings.maxConcurrentRequests],
    ["--max-body-bytes", settings.maxBodyBytes]
  ]
  for (const [flag, value] of counts) {
    if (value !== undefined && !(value >= 1 && Number.isSafeInteger(value)))
      return usageError(flag, `must be at least 1, got ${value}`)
  }
  const times: ReadonlyArray<readonly [flag: string, ms: number]> = [
    ["--request-timeout-seconds", settings.requestTimeoutMs],
    ["--client-timeout-seconds", settings.clientTimeoutMs]
  ]
  for (const [flag, ms] of times) {
    const seconds = ms / 1000
    if (!(seconds > 0 && seconds <= longestSeconds)) {
      return usageError(flag, `must be above 0 and at most ${longestSeconds}, got ${seconds}`)
    }
  }
  return undefined
}
