/** The JSON Schema of a bundle file, as published in data/schema/aic-bundle.schema.json. */
import * as Schema from "effect/Schema"
import { AicBundleFile } from "./AicBundle.ts"

export const aicBundleJsonSchema = (): Readonly<Record<string, unknown>> => {
  const { definitions, schema } = Schema.toJsonSchemaDocument(AicBundleFile, { onExcessProperty: "error" })
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "dynosim AIC bundle",
    description: "One AIC timing configuration: operations, and the measured latencies that they look up.",
    ...schema,
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions })
  }
}
