/** `x-request-id`: names a request in the logs of everybody who handles it. A client's own is kept, others get a new one. */
import { randomUUID } from "node:crypto"

export const requestIdHeader = "x-request-id"

/** What a client may choose: printable ASCII of a reasonable length. */
const acceptable = /^[\x21-\x7e]{1,128}$/

export const newRequestId = (): string => `req-${randomUUID()}`

export const requestIdOf = (given: string | undefined): string =>
  given !== undefined && acceptable.test(given) ? given : newRequestId()
