/** Routers of somebody's own that do what they must not. */
import * as Layer from "effect/Layer"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import { ImmediateRouter } from "../../src/router/ImmediateRouter.ts"
import { type Placement, Router } from "../../src/router/Router.ts"

/** Has this answer for everybody. */
class Stubborn extends ImmediateRouter {
  private readonly answer: number

  constructor(answer: number) {
    super()
    this.answer = answer
  }

  override route(): number {
    return this.answer
  }
}

/** Parks every second request, and lets it go to this worker as soon as another one has its first token. */
class Releasing extends ImmediateRouter {
  private readonly answer: number
  private readonly held: Array<SimRequest> = []
  private released: Array<SimRequest> = []

  constructor(answer: number) {
    super()
    this.answer = answer
  }

  override route(request: SimRequest): number {
    if (request.id % 2 === 0) return 0
    this.held.push(request)
    return -1
  }

  override prefillDone(): void {
    this.released = this.held.splice(0)
  }

  override takeReleased(): Placement | undefined {
    const request = this.released.shift()
    return request === undefined ? undefined : { request, workerIndex: this.answer }
  }

  override parkedRequests(): Iterable<SimRequest> {
    return this.held
  }
}

export const stubborn = (answer: number) =>
  Layer.succeed(Router, { name: "stubborn", make: () => new Stubborn(answer) })

export const releasing = (answer: number) =>
  Layer.succeed(Router, { name: "releasing", make: () => new Releasing(answer) })
