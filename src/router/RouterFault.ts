import type { Placement, PoolRole } from "./Router.ts"

/**
 * A run that the router has to end. Router cores are synchronous, so they throw this; the simulation catches it and fails
 * with a typed error of its own, with the request's trace line. Anything else that a core throws is a defect.
 */
export class RouterFault extends Error {
  override readonly name: string = "RouterFault"
}

/** Routers of others may answer anything: this one has chosen a worker that the pool does not have, or none where requests cannot wait. */
export const misplaced = (
  router: string,
  { request: { id }, workerIndex }: Placement,
  role: PoolRole,
  workers: ReadonlyArray<number>
): RouterFault =>
  new RouterFault(
    workerIndex === -1
      ? `the ${router} router parked request ${id} of the ${role} pool, where requests cannot wait`
      : `the ${router} router sent request ${id} to worker ${workerIndex} of the ${role} pool, where there are ${workers.join(", ")}`
  )

/** Workers come and go, of which this router cannot be told. */
export const rigid = (router: string): RouterFault =>
  new RouterFault(`the ${router} router cannot follow workers that come and go: give its core an eligible method`)
