/** What is deployed in simulated time: one engine, several behind a router, or prefill and decode pools. */
export {
  DecodePool,
  PrefillPool,
  Topology,
  layerDisaggregated,
  layerMulti,
  layerSingle
} from "../simulation/Topology.ts"
export { DisaggregationUnsupported } from "../simulation/ReplayError.ts"
