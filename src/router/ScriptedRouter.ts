/**
 * A router that does as it is told: worker by request id, or by a function. For tests, and for replaying the routing
 * of a recorded run.
 */
import * as Layer from "effect/Layer"
import type { SimRequest } from "../request/SimRequest.ts"
import { ImmediateRouter } from "./ImmediateRouter.ts"
import { Router, type RouterContext } from "./Router.ts"
import { RouterFault } from "./RouterFault.ts"

/** Worker index per request id (ids count requests in dispatch order), or a function of the request. */
export type Script = ArrayLike<number> | ((request: SimRequest, nowMs: number, context: RouterContext) => number)

/** Sends each request where the script says; throws a {@link RouterFault} where that is nowhere. */
export class ScriptedRouterCore extends ImmediateRouter {
  private readonly script: Script
  private readonly context: RouterContext
  /** Who may be sent requests, once that has changed. */
  private workers: ReadonlyArray<number> | undefined

  constructor(script: Script, context: RouterContext) {
    super()
    this.script = script
    this.context = context
  }

  eligible(workers: ReadonlyArray<number>): void {
    this.workers = workers.slice()
  }

  /** Throws a {@link RouterFault} when the script has no worker for the request, or one that does not exist. */
  override route(request: SimRequest, nowMs: number): number {
    const script = this.script
    const worker = typeof script === "function" ? script(request, nowMs, this.context) : script[request.id]
    if (worker === undefined) {
      throw new RouterFault(`the routing script has no entry for request ${request.id}: it ends before the run does`)
    }
    if (this.workers !== undefined && !this.workers.includes(worker)) {
      throw new RouterFault(
        `the routing script sends request ${request.id} to worker ${worker}; at ${nowMs} ms the pool has workers ${this.workers.join(", ")}`
      )
    }
    if (this.workers === undefined && (!Number.isInteger(worker) || worker < 0 || worker >= this.context.workers)) {
      throw new RouterFault(
        `the routing script sends request ${request.id} to worker ${worker}; the pool has workers 0 to ${
          this.context.workers - 1
        }`
      )
    }
    return worker
  }
}

/** A router that asks the script for each request. */
export const layer = (script: Script): Layer.Layer<Router> =>
  Layer.succeed(
    Router,
    Router.of({
      name: "scripted",
      make: (context) => new ScriptedRouterCore(script, context)
    })
  )
