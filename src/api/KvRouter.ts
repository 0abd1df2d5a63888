/** Routing by cached KV and load, with its configuration and policy files. */
export { DecisionWatch, layer } from "../router/kv/KvRouter.ts"
export { defaultKvRouterOptions, type KvRouterOptions } from "../router/kv/KvRouterOptions.ts"
export {
  decodeRouterConfig,
  defaultRouterConfig,
  make as makeConfig,
  routerConfigOf,
  type GivenRouterConfig,
  type RouterConfig
} from "../router/kv/RouterConfig.ts"
export { parsePolicyFile, profileFor, type PolicyDocument } from "../router/kv/PolicyFile.ts"
