/** Timing from a profile in NumPy's format. */
export { layer, parseProfile } from "../timing/npz/NpzTiming.ts"
export { NpzError } from "../timing/npz/NpzError.ts"
