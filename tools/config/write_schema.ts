/** Writes the schemas of data/schema. Run from the repository root: `npx node tools/config/write_schema.ts`. */
import { mkdirSync, writeFileSync } from "node:fs"
import { configJsonSchema } from "../../src/config/ConfigSchema.ts"
import { workloadJsonSchema } from "../../src/workload/classes/WorkloadPlan.ts"
import { planJsonSchema } from "../../src/sweep/PlanSchema.ts"

mkdirSync("data/schema", { recursive: true })
for (const [name, schema] of [
  ["config", configJsonSchema()],
  ["sweep", planJsonSchema()],
  ["workload", workloadJsonSchema()]
] as const) {
  // A line per key, for diffs, but nothing that only eyes need: the package carries them.
  const text = JSON.stringify(schema, undefined, 1).replaceAll(/^ +/gm, "")
  writeFileSync(`data/schema/${name}.schema.json`, `${text}\n`)
}
