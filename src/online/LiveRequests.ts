/** Requests of a deployment, by what its cores know them as. */
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { LiveRequest } from "./LiveRequest.ts"

export class LiveRequests implements BlockHolder {
  private readonly bySimulated = new Map<SimRequest, LiveRequest>()

  get size(): number {
    return this.bySimulated.size
  }

  values(): Iterable<LiveRequest> {
    return this.bySimulated.values()
  }

  get(request: SimRequest): LiveRequest | undefined {
    return this.bySimulated.get(request)
  }

  add(live: LiveRequest): LiveRequest {
    this.bySimulated.set(live.request, live)
    return live
  }

  /** The one that is here no more; `undefined` where it was not. */
  take(request: SimRequest): LiveRequest | undefined {
    const live = this.bySimulated.get(request)
    this.bySimulated.delete(request)
    return live
  }

  /** Whether a request was here that nobody waits for any more. */
  abort(live: LiveRequest): boolean {
    if (!this.bySimulated.delete(live.request)) return false
    live.aborted = true
    live.request.status = "failed"
    return true
  }

  markBlocks(mark: (block: number) => void): void {
    for (const { blocks } of this.bySimulated.keys()) for (const block of blocks) mark(block)
  }
}
