/** GPUs that options ask for: workers times GPUs of a worker, summed over the pools. */
import type { ReplayOptions } from "../run/ReplayOptions.ts"

export const gpusOf = ({ deployment }: ReplayOptions): number =>
  deployment._tag === "Aggregated"
    ? deployment.workers * deployment.engine.gpusPerWorker
    : deployment.prefillWorkers * deployment.prefill.gpusPerWorker
      + deployment.decodeWorkers * deployment.decode.gpusPerWorker
