/** Whether reports gather their samples in columns of the reports before them; by default each makes its own. */
import * as Context from "effect/Context"
import type { SpareColumns } from "../structures/SpareColumns.ts"

export const ReusedSamples = Context.Reference<SpareColumns | undefined>("dynosim/report/ReusedSamples", {
  defaultValue: () => undefined
})
