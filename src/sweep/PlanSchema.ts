/** The JSON Schema of a plan, as published in data/schema/sweep.schema.json, so that editors complete and check it. */
import { configJsonSchema } from "../config/ConfigSchema.ts"
import { replayFlags } from "../config/ReplayFlags.ts"
import type { JsonSchema } from "../settings/Kind.ts"
import { tableSchema } from "../settings/Setting.ts"
import { candidateWords, deploymentAxis } from "./Axis.ts"
import { aggregatedKeys, disaggregatedKeys } from "./DeploymentPreset.ts"
import { planSettings } from "./Plan.ts"

const count: JsonSchema = { type: "integer", minimum: 1 }

const counts = (required: ReadonlyArray<string>, others: ReadonlyArray<string>): JsonSchema => ({
  type: "object",
  additionalProperties: false,
  required,
  properties: Object.fromEntries([...required, ...others].map((key) => [key, count]))
})

const deployments: JsonSchema = {
  type: "array",
  minItems: 1,
  items: {
    anyOf: [counts(["workers"], aggregatedKeys.slice(1)), counts(["prefill", "decode"], disaggregatedKeys.slice(2))]
  }
}

const values: JsonSchema = { type: "array", minItems: 1 }

const axes = (): JsonSchema => ({
  description: planSettings.axes.doc,
  type: "object",
  additionalProperties: false,
  properties: {
    [deploymentAxis]: {
      description: "Worker counts, with parallel sizes; auto for all within max_gpus",
      anyOf: [{ enum: candidateWords }, deployments]
    },
    traces: values,
    ...Object.fromEntries(
      Object.entries(replayFlags)
        .filter(([name]) => name !== "config" && name !== "seed")
        .map(([name, { description }]) => [name, { description, ...values }])
    )
  },
  patternProperties: { "^[a-z][a-z_-]*(\\.[A-Za-z0-9_-]+)+$": values, "^[a-z]+(_[a-z]+)+$": values }
})

/** Each key may be written with dashes. */
const withDashes = (properties: object | null): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(properties ?? {}).flatMap(([key, schema]) =>
      [...new Set([key, key.replaceAll("_", "-")])].map((name) => [name, schema])
    )
  )

export const planJsonSchema = (): JsonSchema => {
  const plan = tableSchema(planSettings)
  const properties = withDashes(typeof plan["properties"] === "object" ? plan["properties"] : {})
  return {
    $schema: configJsonSchema()["$schema"],
    title: "dynosim sweep plan",
    ...plan,
    // A file beside this one.
    properties: { $schema: { type: "string" }, ...properties, base: { $ref: "config.schema.json" }, axes: axes() }
  }
}
