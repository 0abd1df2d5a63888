/** Writes data/schema/config.schema.json. Run from the repository root: `npx node tools/config/write_schema.ts`. */
import { mkdirSync, writeFileSync } from "node:fs"
import { configJsonSchema } from "../../src/config/ConfigSchema.ts"

mkdirSync("data/schema", { recursive: true })
writeFileSync("data/schema/config.schema.json", `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`)
