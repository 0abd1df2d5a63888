/** One worker after the other. */
export { RoundRobinCore, layer } from "../router/RoundRobin.ts"
