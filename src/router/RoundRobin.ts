/**
 * Round robin: requests go to the workers in turn, in arrival order. No queue, no load tracking, no randomness.
 *
 * A request that its worker later rejects has still taken its turn. In a disaggregated run each pool has its own core,
 * hence its own turn.
 */
import * as Layer from "effect/Layer"
import { ImmediateRouter } from "./ImmediateRouter.ts"
import { Router } from "./Router.ts"

export class RoundRobinCore extends ImmediateRouter {
  private readonly workers: number
  private next = 0

  constructor(workers: number) {
    super()
    this.workers = workers
  }

  override route(): number {
    const worker = this.next % this.workers
    this.next = worker + 1
    return worker
  }
}

/** `--router-mode round_robin`. */
export const layer: Layer.Layer<Router> = Layer.succeed(
  Router,
  Router.of({
    name: "round_robin",
    make: (context) => new RoundRobinCore(context.workers)
  })
)
