/**
 * Round robin: requests go to the workers in turn, in arrival order. No queue, no load tracking, no randomness.
 *
 * A request that its worker later rejects has still taken its turn. In a disaggregated run each pool has its own core,
 * hence its own turn.
 */
import * as Layer from "effect/Layer"
import { ImmediateRouter } from "./ImmediateRouter.ts"
import { Router } from "./Router.ts"

/** Workers in turn, by ascending index; those that are not eligible are passed by. */
export class RoundRobinCore extends ImmediateRouter {
  private workers: ReadonlyArray<number>
  private next = 0

  constructor(workers: number) {
    super()
    this.workers = Array.from({ length: workers }, (_, worker) => worker)
  }

  override route(): number {
    const index = this.next % this.workers.length
    this.next = index + 1
    return this.workers[index]!
  }

  eligible(workers: ReadonlyArray<number>): void {
    this.workers = workers.slice()
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
