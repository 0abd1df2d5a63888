/**
 * The ground for routers that place every request at once: nothing is parked, no cache change is listened to, no block identity is
 * held. A subclass says where a request goes, and overrides what else it cares about.
 */
import type { KvEventSink } from "../engine/KvEvents.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { Placement, RouterCore } from "./Router.ts"

/** A router that parks nobody: `route` is all that it has to say. */
export abstract class ImmediateRouter implements RouterCore {
  readonly parked = 0

  abstract route(request: SimRequest, nowMs: number): number

  prefillDone(_request: SimRequest, _nowMs: number): void {}

  freed(_request: SimRequest, _nowMs: number): void {}

  takeReleased(): Placement | undefined {
    return undefined
  }

  parkedRequests(): Iterable<SimRequest> {
    return []
  }

  kvEvents(_workerIndex: number): KvEventSink | undefined {
    return undefined
  }

  markBlocks(_mark: (block: number) => void): void {}
}
