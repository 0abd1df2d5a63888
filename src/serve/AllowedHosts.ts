/**
 * Which names a request may call this server by.
 *
 * A page in a browser can point a name of its own at 127.0.0.1 and then read what a server there answers (DNS rebinding); the
 * `Host` header still holds the page's name. So only names that can mean nobody but this machine are answered, and those that
 * its user allows.
 */
import type { ApiError } from "./ApiError.ts"
import { invalid } from "./ApiError.ts"

const loopbackNames = /^(localhost|([a-z0-9-]+\.)*localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/

/** Whether the address can only be reached from this machine; `host` as in a URL or bare. */
export const isLoopback = (host: string): boolean => loopbackNames.test(nameOf(host))

/** An address as sockets tell it: IPv4 may come in the form of IPv6. */
export const bareAddress = (address: string): string => address.replace(/^::ffff:/i, "")

/** The host of an authority in lower case: without port, an IPv6 address in brackets. */
const nameOf = (authority: string): string => {
  const name = authority.toLowerCase()
  if (name.startsWith("[")) return name.slice(0, name.indexOf("]") + 1)
  const colon = name.indexOf(":")
  if (colon < 0) return name.replace(/\.$/, "")
  return name.indexOf(":", colon + 1) < 0 ? name.slice(0, colon).replace(/\.$/, "") : `[${name}]`
}

/** Any name. */
export const everyHost = "*"

export class AllowedHosts {
  private readonly names: ReadonlySet<string>

  /** The address listened on may be called by its own name; `others` are names without ports, or {@link everyHost}. */
  constructor(listening: string, others: ReadonlyArray<string>) {
    this.names = new Set([listening, ...others].map(nameOf))
  }

  /** What is wrong with a `Host` header. */
  problemOf(header: string | undefined): ApiError | undefined {
    if (this.names.has(everyHost)) return undefined
    if (header === undefined || header === "") {
      return invalid("the request has no Host header", { code: "host_missing" })
    }
    const name = nameOf(header)
    if (loopbackNames.test(name) || this.names.has(name)) return undefined
    return invalid(
      `this server does not answer to the host ${JSON.stringify(header.slice(0, 80))}: start it with --allow-host NAME to allow one`,
      { status: 403, code: "host_not_allowed" }
    )
  }
}
