/** The page of a sweep. */
import { packedPage } from "../html/PackedPage.ts"
import type { Plan } from "./Plan.ts"
import type { Summary } from "./Summary.ts"
import { sweepContent } from "./SweepContent.ts"

/** The text of a page with every combination of the plan, its figures, and the Pareto set. */
export const sweepPage = (plan: Plan, summary: Summary) => packedPage("sweep", sweepContent(plan, summary))
