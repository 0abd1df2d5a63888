/** What a router of one's own implements, and the seeded generator for those that draw. */
export { Router, type Placement, type RouterContext, type RouterCore } from "../router/Router.ts"
export { ImmediateRouter } from "../router/ImmediateRouter.ts"
export { RouterFault } from "../router/RouterFault.ts"
export { Pcg32 } from "../structures/Pcg32.ts"
