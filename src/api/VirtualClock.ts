/** Simulated time: the clock of a run, and of the policies beside it. */
import { VirtualClock } from "../simulation/VirtualClock.ts"

export { VirtualClock, VirtualTime } from "../simulation/VirtualClock.ts"

/** A clock for one run. */
export const { layer } = VirtualClock
