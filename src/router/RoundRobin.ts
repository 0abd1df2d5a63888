/**
 * Round robin: requests go to the workers in turn, in arrival order. No queue, no load tracking, no randomness.
 *
 * A request that its worker later rejects has still taken its turn. In a disaggregated run each pool has its own core,
 * hence its own turn.
 */
import * as Layer from "effect/Layer"
import type { KvEventSink } from "../engine/KvEvents.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { Router, type RouterCore } from "./Router.ts"

export class RoundRobinCore implements RouterCore {
  readonly parked = 0
  private readonly workers: number
  private next = 0

  constructor(workers: number) {
    this.workers = workers
  }

  route(): number {
    const worker = this.next % this.workers
    this.next = worker + 1
    return worker
  }

  prefillDone(): void {}

  freed(): void {}

  takeReleased(): SimRequest | undefined {
    return undefined
  }

  parkedRequests(): Iterable<SimRequest> {
    return []
  }

  kvEvents(): KvEventSink | undefined {
    return undefined
  }

  markBlocks(): void {}
}

/** `--router-mode round_robin`. */
export const layer: Layer.Layer<Router> = Layer.succeed(Router, Router.of({
  name: "round_robin",
  make: (context) => new RoundRobinCore(context.workers)
}))
