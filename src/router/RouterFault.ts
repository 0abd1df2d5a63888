/**
 * A run that the router has to end. Router cores are synchronous, so they throw this; the simulation catches it and fails
 * with a typed error of its own, with the request's trace line. Anything else that a core throws is a defect.
 */
export class RouterFault extends Error {
  override readonly name: string = "RouterFault"
}
