/** Whether runs take columns of the runs before them; by default each makes its own. */
import * as Context from "effect/Context"
import type { SpareColumns } from "../structures/SpareColumns.ts"

export const ReusedColumns = Context.Reference<SpareColumns | undefined>("dynosim/simulation/ReusedColumns", {
  defaultValue: () => undefined
})
