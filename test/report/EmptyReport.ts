/** The report of a run in which nothing happened, for tests that set the figures that they are about. */
import type { Report } from "../../src/report/Report.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"

export const emptyReport: Report = new ReportBuilder().finish()
