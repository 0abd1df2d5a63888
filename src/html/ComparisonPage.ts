/** The page of a comparison: errors metric by metric, and distributions over each other. */
import { compare } from "../compare/Comparison.ts"
import { curvesOf } from "../compare/ComparisonCurves.ts"
import type { Measurement } from "../compare/Measurement.ts"
import { packedPage } from "./PackedPage.ts"

/** The text of a page that holds one or more measurements against a reference. */
export const comparisonPage = (reference: Measurement, others: ReadonlyArray<Measurement>) =>
  packedPage("comparison", {
    comparisons: others.map((other) => ({ ...compare(reference, other), curves: curvesOf(reference, other) }))
  })
