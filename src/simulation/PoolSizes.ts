/** How many workers a topology may have. */
import { integer } from "../settings/Kind.ts"
import { setting } from "../settings/Setting.ts"

export const poolSize = integer(1, 2 ** 16)

/** How many workers serve the load together. */
export const multiSettings = { workers: setting(poolSize, 1, "Workers of an aggregated run") }

/** How many workers each pool of a disaggregated run has. */
export const disaggregatedSettings = {
  prefillWorkers: setting(poolSize, 1, "Prefill workers of a disaggregated run"),
  decodeWorkers: setting(poolSize, 1, "Decode workers of a disaggregated run")
}
