/**
 * The simulated model behind an OpenAI-compatible HTTP server: `dynosim/serve`. A door of its own, because it alone needs
 * `@effect/platform-node`.
 */
export { serve } from "../serve/Server.ts"
export { SimulatedModel } from "../serve/SimulatedModel.ts"
export type { ServeOptions } from "../serve/ServeOptions.ts"
