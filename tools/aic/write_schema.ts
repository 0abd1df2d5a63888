/** Writes data/schema/aic-bundle.schema.json. Run from the repository root: `npx node tools/aic/write_schema.ts`. */
import { mkdirSync, writeFileSync } from "node:fs"
import { aicBundleJsonSchema } from "../../src/timing/bundle/AicBundleSchema.ts"

mkdirSync("data/schema", { recursive: true })
writeFileSync("data/schema/aic-bundle.schema.json", `${JSON.stringify(aicBundleJsonSchema(), undefined, 2)}\n`)
