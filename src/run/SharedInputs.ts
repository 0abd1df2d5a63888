/**
 * What runs one after the other read once instead of each time: traces, and performance tables; and columns that they leave to each other.
 * A run is the same with and without.
 */
import * as Layer from "effect/Layer"
import { ReusedSamples } from "../report/ReusedSamples.ts"
import { ReusedColumns } from "../simulation/ReusedColumns.ts"
import { SpareColumns } from "../structures/SpareColumns.ts"
import { OpenTables } from "../timing/aic/TableSlices.ts"
import * as SharedTraces from "./SharedTraces.ts"

export const layer: Layer.Layer<never> = Layer.mergeAll(
  SharedTraces.layer,
  Layer.sync(OpenTables, () => new Map()),
  Layer.sync(ReusedColumns, () => new SpareColumns()),
  Layer.sync(ReusedSamples, () => new SpareColumns())
)
