/** Options of `dynosim compare`. */
import { boolean, path } from "../settings/Kind.ts"
import type { FlagTable } from "./FlagSpec.ts"

export const compareFlags = {
  json: { kind: boolean, description: "Print JSON instead of text" },
  calibrate: {
    kind: boolean,
    description: "Fit engine arguments to one measured run: --config says how it is simulated"
  },
  config: {
    kind: path,
    description: "With --calibrate: settings of the simulated run, its trace among them (JSON or YAML)"
  },
  "engine-args-out": {
    kind: path,
    description: "With --calibrate: file to write the fitted engine arguments to (JSON)"
  }
} as const satisfies FlagTable
