/** Timing from measured operator tables, bundles of them, and the size of the KV pool they leave. */
export { layer, prefillEstimator } from "../timing/aic/AicTiming.ts"
export { AicError } from "../timing/aic/AicError.ts"
export { AicBundleFile, loadAicBundle, parseAicBundle, type AicBundle } from "../timing/bundle/AicBundle.ts"
export { blocksPerRank, sizedPool, withSizedPool, type MemoryArgs, type SizedPool } from "../timing/aic/KvCapacity.ts"
