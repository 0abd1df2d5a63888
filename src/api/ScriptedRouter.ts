/** Every request to the worker that a script names. */
export { ScriptedRouterCore, layer, type Script } from "../router/ScriptedRouter.ts"
