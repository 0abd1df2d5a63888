/** The same engines and routers on the live clock. */
import { Pace } from "../online/Pace.ts"

export { run, type OnlineOptions } from "../online/OnlineReplay.ts"
export { LiveTopology, layerAggregated, layerDisaggregated, type LivePool } from "../online/LiveTopology.ts"
export { Pace, Turn, type Timeline } from "../online/Pace.ts"
export { LagMeter } from "../online/LagMeter.ts"
export { run as runInVirtualTime } from "../online/VirtualPace.ts"
export type { Deployment } from "../online/Deployment.ts"

/** The machine's clock. */
export const { layerLive } = Pace
