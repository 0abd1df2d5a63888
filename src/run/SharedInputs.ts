/** What runs one after the other read once instead of each time: traces, and performance tables. A run is the same with and without. */
import * as Layer from "effect/Layer"
import { OpenTables } from "../timing/aic/TableSlices.ts"
import * as SharedTraces from "./SharedTraces.ts"

export const layer: Layer.Layer<never> = Layer.merge(
  SharedTraces.layer,
  Layer.sync(OpenTables, () => new Map())
)
