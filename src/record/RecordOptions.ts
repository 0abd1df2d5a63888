/** What a recording can be told: where requests come in, where they go, and how prompts are kept. */
import * as Result from "effect/Result"
import { AllowedHosts, isLoopback } from "../serve/AllowedHosts.ts"
import { complete, problemOf } from "../settings/Decode.ts"
import { anyCount, filledText, integer, oneOf } from "../settings/Kind.ts"
import { type Given, optional, setting, type Values } from "../settings/Setting.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"

export const recordSettings = {
  upstream: setting(filledText, "http://127.0.0.1:8000", "Server that answers, on this machine: its URL without path"),
  host: setting(filledText, "127.0.0.1", "Address to listen on, of this machine alone"),
  port: setting(integer(0, 65_535), 8001, "Port to listen on; 0 takes a free one"),
  traceBlockTokens: setting(integer(1, 65_536), 64, "Tokens per hash id of the trace", { key: "trace_block_size" }),
  sessions: setting(
    oneOf(["prefix", "none"]),
    "prefix",
    "Whether a prompt that continues an earlier one is a later turn of its session"
  ),
  salt: optional(filledText, undefined, "Text that goes into all hashes of prompts; a fresh one by default"),
  maxBodyBytes: setting(integer(1, anyCount), 64 * 1024 * 1024, "Longest request body; longer ones get status 413")
}

export type RecordOptions = Values<typeof recordSettings>

/** Options that are left out have their defaults. */
export const makeRecordOptions = (given: Given<typeof recordSettings> = {}): RecordOptions =>
  complete(recordSettings, given)

const isBareOrigin = ({ hash, pathname, protocol, search }: URL): boolean =>
  protocol === "http:" && pathname === "/" && search === "" && hash === ""

/** What is wrong with the upstream: prompts must not leave the machine through a tool that only listens. */
const upstreamProblem = (upstream: string): string | undefined => {
  if (!URL.canParse(upstream)) return `expected a URL such as http://127.0.0.1:8000, got ${JSON.stringify(upstream)}`
  const url = new URL(upstream)
  if (!isBareOrigin(url)) return `expected http://HOST:PORT and no more, got ${JSON.stringify(upstream)}`
  return isLoopback(url.host) ? undefined : `${url.host} is another machine; record where the server runs`
}

/** The options, or what is wrong with them. */
export const checkedRecordOptions = (options: RecordOptions): Result.Result<RecordOptions, SettingsError> => {
  const upstream = upstreamProblem(options.upstream)
  const problem =
    problemOf(recordSettings, options)
    ?? (upstream === undefined ? undefined : settingsError("upstream", upstream))
    ?? (isLoopback(options.host)
      ? undefined
      : settingsError("host", `${options.host} may be reached from other machines; record on a loopback address`))
  return problem === undefined ? Result.succeed(options) : Result.fail(problem)
}

/** Which names requests may call the recorder by: its own. */
export const hostsOf = ({ host }: RecordOptions): AllowedHosts => new AllowedHosts(host, [])
