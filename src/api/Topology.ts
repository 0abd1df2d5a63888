/** What is deployed in simulated time: one engine, several behind a router, or prefill and decode pools. */
export {
  DecodePool,
  DisaggregationUnsupported,
  PrefillPool,
  Topology,
  layerDisaggregated,
  layerMulti,
  layerSingle
} from "../simulation/Topology.ts"
