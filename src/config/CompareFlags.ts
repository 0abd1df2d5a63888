/** Options of `dynosim compare`. */
import { boolean, path, texts } from "../settings/Kind.ts"
import type { FlagTable } from "./FlagSpec.ts"

export const compareFlags = {
  json: { kind: boolean, description: "Print JSON instead of text" },
  html: {
    kind: path,
    description: "Also write a page to look at: one HTML file with the distributions of both sides and their errors"
  },
  "fail-if": {
    kind: texts,
    description:
      "End with status 3 when this holds of a compared run, such as 'mean_ttft_ms.absolute_error > 5 %' or 'p99_ttft_ms > 2 s'; may be given several times"
  },
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
