/** A report with the figures of a report file of the reference. */
import * as Schema from "effect/Schema"
import { Report } from "../../src/report/Report.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { summary } from "./Records.ts"

const decodeFigures = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Number)))
const decodeReport = Schema.decodeUnknownSync(Report)

export const withFigures = (file: string): Report => {
  const builder = new ReportBuilder()
  builder.add(summary({ arrivedRequests: 0 }))
  return decodeReport({ ...builder.finish(), ...decodeFigures(file) })
}
