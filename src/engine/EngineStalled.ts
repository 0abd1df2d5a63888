/**
 * A worker that can never make progress again. Thrown by worker cores, which are synchronous; the simulation turns it into
 * its own error.
 */
import type { SimRequest } from "../request/SimRequest.ts"

/** Ends the run: `request` is one of those that never go on. */
export class EngineStalled extends Error {
  readonly request: SimRequest

  constructor(request: SimRequest, reason: string) {
    super(reason)
    this.request = request
  }
}
