/** What is wrong where a server cannot listen: the name of the machine, or else the port. */
import type { ServeError } from "effect/http/HttpServerError"
import { type UsageError, usageError } from "../settings/SettingsError.ts"

/** Codes of systems that speak of the host. */
const ofHost = /ENOTFOUND|EAI_AGAIN|EADDRNOTAVAIL/

export const cannotListen = (
  { host, port }: { readonly host: string; readonly port: number },
  { cause }: ServeError
): UsageError => {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return usageError(ofHost.test(reason) ? "--host" : "--port", `cannot listen on ${host}:${port}: ${reason}`)
}
