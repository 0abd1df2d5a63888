/**
 * The JSON Schema of a configuration file (`--config`), as published in data/schema/config.schema.json, so that editors
 * complete and check it. Made from the tables that the file is read by.
 */
import { engineSettings } from "../engine/EngineArgs.ts"
import { plannerSettings } from "../autoscaler/reference/PlannerConfig.ts"
import { slaSettings } from "../autoscaler/sla/SlaSettings.ts"
import { utilisationSettings } from "../autoscaler/utilisation/UtilisationSettings.ts"
import { groupSettings } from "./EngineGroups.ts"
import type { FlagSpec } from "./FlagSpec.ts"
import { type JsonSchema, paths } from "../settings/Kind.ts"
import { tableSchema } from "../settings/Setting.ts"
import { replayFlags } from "./ReplayFlags.ts"
import { workloadJsonSchema } from "../workload/classes/WorkloadPlan.ts"
import { routerSettings } from "../router/kv/RouterConfig.ts"

/** Objects may also be written as strings of JSON. */
const orText = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: "string" }] })

const definition = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` })

/** What the JSON objects among the options are. */
const objects: Readonly<Record<string, JsonSchema>> = {
  "extra-engine-args": definition("engines"),
  "prefill-engine-args": definition("engines"),
  "decode-engine-args": definition("engines"),
  "router-config": definition("router_config"),
  "planner-config": definition("planner_config"),
  "autoscale-config": definition("autoscale_config"),
  workload: definition("workload")
}

const valueSchema = (name: string, { kind }: FlagSpec): JsonSchema =>
  kind.form === "json" ? orText(objects[name] ?? kind.schema) : kind.schema

/** Null says the same as leaving an option out. */
const optionSchema = (name: string, spec: FlagSpec): JsonSchema => ({
  description: spec.default === undefined ? spec.description : `${spec.description} (default: ${spec.default})`,
  anyOf: [valueSchema(name, spec), { type: "null" }]
})

const options = (): ReadonlyArray<readonly [name: string, spec: FlagSpec]> =>
  Object.entries<FlagSpec>(replayFlags).filter(([name]) => name !== "config")

/** Names are completed with dashes; each of these may also be an underscore. */
const otherSpelling = (name: string): string => `^${name.replaceAll("-", "[-_]")}$`

/** A schema as a part of another one. */
const withoutPreamble = ({ $schema: _, title: __, ...schema }: JsonSchema): JsonSchema => schema

export const configJsonSchema = (): JsonSchema => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "dynosim replay options",
  description: "A file for dynosim replay --config, JSON or YAML: flags without their dashes.",
  type: "object",
  additionalProperties: false,
  properties: {
    $schema: { type: "string" },
    traces: { description: "Trace files", ...paths.schema },
    ...Object.fromEntries(options().map(([name, spec]) => [name, optionSchema(name, spec)]))
  },
  patternProperties: Object.fromEntries(
    options()
      .filter(([name]) => name.includes("-"))
      .map(([name]) => [otherSpelling(name), { $ref: `#/properties/${name}` }])
  ),
  $defs: {
    engines: {
      anyOf: [
        definition("engine_args"),
        {
          description: "Different workers: a list of groups",
          type: "array",
          minItems: 1,
          items: tableSchema({ ...groupSettings, ...engineSettings })
        }
      ]
    },
    engine_args: tableSchema(engineSettings),
    router_config: tableSchema(routerSettings),
    workload: withoutPreamble(workloadJsonSchema()),
    // Keys of live deployments may be there, too.
    autoscale_config: {
      anyOf: [
        { description: "Of target-utilisation", ...tableSchema(utilisationSettings) },
        { description: "Of sla", ...tableSchema(slaSettings) }
      ]
    },
    planner_config: { ...tableSchema(plannerSettings), additionalProperties: true }
  }
})
