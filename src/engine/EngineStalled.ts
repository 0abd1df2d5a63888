/**
 * A worker that can never make progress again. Thrown by worker cores, which are synchronous; the simulation turns it into
 * its own error.
 */
import type { SimRequest } from "../request/SimRequest.ts"

export class EngineStalled extends Error {
  readonly request: SimRequest

  constructor(request: SimRequest, reason: string) {
    super(reason)
    this.request = request
  }
}
