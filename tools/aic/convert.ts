/**
 * Writes data/aic: the table files and hardware constants that come with the package, and the parts of model configs that
 * count. `node tools/aic/convert.ts SYSTEMS CONFIGS`; tools/aic/README.md says where the input comes from.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { openPublishedData } from "../../src/timing/aic/import/PublishedData.ts"
import { packSlice } from "../../src/timing/aic/import/PublishedSlices.ts"
import { readSystem } from "../../src/timing/aic/import/SystemYaml.ts"
import { type SliceName, sliceName } from "../../src/timing/aic/TableSlices.ts"
import { modelTable } from "./models.ts"

const slices: ReadonlyArray<SliceName> = [
  { system: "a100_sxm", backend: "vllm", version: "0.14.0" },
  { system: "b200_sxm", backend: "vllm", version: "0.19.0" },
  { system: "gb200", backend: "vllm", version: "0.19.0" },
  { system: "h100_sxm", backend: "sglang", version: "0.5.10" },
  { system: "h100_sxm", backend: "vllm", version: "0.19.0" },
  { system: "h200_sxm", backend: "sglang", version: "0.5.10" },
  { system: "h200_sxm", backend: "vllm", version: "0.19.0" },
  { system: "l40s", backend: "vllm", version: "0.14.0" },
  { system: "rtx_pro_6000_server", backend: "vllm", version: "0.19.0" }
]

const origin = "aiconfigurator ffbab15"
const smallest = 11

/** One line per entry of the second level, so that a change shows as a change of its line. */
const jsonLines = (value: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string => {
  const groups = Object.entries(value).map(([group, entries]) => {
    const lines = Object.entries(entries).map(([key, entry]) => `    ${JSON.stringify(key)}: ${JSON.stringify(entry)}`)
    return `  ${JSON.stringify(group)}: {\n${lines.join(",\n")}\n  }`
  })
  return `{\n${groups.join(",\n")}\n}\n`
}

const convert = Effect.fnUntraced(function* (systems: string, configs: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const out = path.join(import.meta.dirname, "../../data/aic")
  const data = yield* openPublishedData(systems)
  for (const slice of slices) {
    const bytes = yield* packSlice(data, slice, { origin, quality: smallest })
    yield* fs.writeFile(path.join(out, "tables", `${sliceName(slice)}.bin`), bytes)
    console.log(`${sliceName(slice)}: ${bytes.length} bytes`)
  }
  const constants: Record<string, unknown> = {}
  for (const name of [...data.names].filter((each) => /^[^/]+\.yaml$/.test(each)).toSorted()) {
    const system = yield* readSystem(name, new TextDecoder().decode(yield* data.read(name)))
    constants[name.replace(/\.yaml$/, "")] = system.constants
  }
  yield* fs.writeFileString(path.join(out, "systems.json"), jsonLines({ systems: constants }))
  const extra = JSON.parse(yield* fs.readFileString(path.join(import.meta.dirname, "extra_models.json")))
  yield* fs.writeFileString(path.join(out, "models.json"), jsonLines(yield* modelTable(configs, extra)))
})

const [systems, configs] = process.argv.slice(2)
if (systems === undefined || configs === undefined) {
  console.error("usage: node tools/aic/convert.ts SYSTEMS CONFIGS")
  process.exit(2)
}
await Effect.runPromise(Effect.provide(convert(systems, configs), NodeServices.layer))
