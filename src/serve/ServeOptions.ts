/** How a simulated deployment is served over HTTP: its name, its limits, its defaults. */
import * as Result from "effect/Result"
import { complete, problemOf } from "../settings/Decode.ts"
import { anyCount, duration, filledText, integer, type Kind, positive } from "../settings/Kind.ts"
import { type Given, optional, setting, type Values } from "../settings/Setting.ts"
import type { SettingsError } from "../settings/SettingsError.ts"

const atLeastOne = integer(1, anyCount)
/** Up to the longest time that Node's timers take. */
const timeout = positive(0.001, 2_147_483)

/** A list of names of one form; as text they stand between commas. */
const names = (expected: string, pattern: RegExp): Kind<ReadonlyArray<string>> => {
  const listOf = (value: unknown): ReadonlyArray<unknown> | undefined =>
    typeof value === "string" ? value.split(",").map((name) => name.trim()) : Array.isArray(value) ? value : undefined
  const isName = (name: unknown): name is string => typeof name === "string" && pattern.test(name)
  return {
    expected,
    form: "text",
    schema: { type: ["string", "array"], items: { type: "string" } },
    read: (value) => {
      const list = listOf(value)
      return list?.every(isName) === true ? list : undefined
    },
    explain: (value) => {
      const wrong = listOf(value)?.find((name) => !isName(name))
      return typeof wrong === "string" ? `expected ${expected}, got ${JSON.stringify(wrong)}` : undefined
    }
  }
}

/** Hosts without scheme, port or path. */
const hostNames = names("host names without port, separated by commas", /^(\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/)
/** A scheme, a host and perhaps a port, as browsers write it. */
const origins = names(
  "origins such as http://localhost:3000",
  /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(:\d+)?|[a-z][a-z0-9+.-]*:\/\/\[[0-9a-f:.]+\](:\d+)?)$/
)

/** What the server can be told; keys are the flags of `dynosim serve`, with underscores. */
export const serveSettings = {
  host: setting(filledText, "127.0.0.1", "Address to listen on; there is no authentication"),
  allowedHosts: setting(
    hostNames,
    [],
    "Names, separated by commas, that requests may call the server by beside localhost and its own address; * for any",
    { key: "allow_host" }
  ),
  allowedOrigins: setting(
    origins,
    [],
    "Origins, separated by commas, whose web pages may use the server (CORS); * for any",
    { key: "allow_origin" }
  ),
  port: setting(integer(0, 65_535), 8000, "Port to listen on; 0 takes a free one"),
  modelName: setting(filledText, "dynosim", "Model name that requests have to give", { key: "served_model_name" }),
  maxContextTokens: optional(atLeastOne, undefined, "Prompt and output tokens of one request together, at most", {
    key: "max_model_len"
  }),
  defaultOutputTokens: setting(atLeastOne, 128, "Output tokens of a request that does not say how many it wants"),
  maxConcurrentRequests: setting(atLeastOne, 1024, "Requests served at a time; further ones get status 429"),
  maxBodyBytes: setting(atLeastOne, 8 * 1024 * 1024, "Longest request body; longer ones get status 413"),
  requestTimeoutSeconds: setting(
    timeout,
    30,
    "Time in which a request must have been received whole; slower ones get status 408"
  ),
  clientTimeoutSeconds: setting(
    timeout,
    30,
    "Time in which a client must take what is sent to it; slower ones are disconnected"
  )
}

/** Settings without a flag. */
const unnamed = {
  maxLagMs: setting(duration, 20, "Lateness up to which a worker catches up with its model, ms")
}

const allSettings = { ...serveSettings, ...unnamed }

/** How the endpoint behaves; its table has ranges and defaults. */
export type ServeOptions = Values<typeof allSettings>

/** Options that are left out have their defaults. */
export const makeServeOptions = (given: Given<typeof allSettings> = {}): ServeOptions => complete(allSettings, given)

export const defaultServeOptions: ServeOptions = makeServeOptions()

/** The options, or what is wrong with them. */
export const checkedServeOptions = (options: ServeOptions): Result.Result<ServeOptions, SettingsError> => {
  const problem = problemOf(allSettings, options)
  return problem === undefined ? Result.succeed(options) : Result.fail(problem)
}
