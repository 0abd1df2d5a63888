import { describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as NpzTiming from "../../../src/timing/npz/NpzTiming.ts"
import { assertSameReport, type RecordedRun } from "../WholeRuns.ts"

const folder = new URL("../../golden/npz/", import.meta.url)
const runs: Readonly<Record<string, RecordedRun>> = JSON.parse(readFileSync(new URL("runs.json", folder), "utf8"))
const profile = new URL("base.npz", folder).pathname

describe("recorded runs with a measured profile", () => {
  for (const [name, run] of Object.entries(runs)) {
    it.effect(`${name} has the reference's figures`, () => assertSameReport(run, () => NpzTiming.layer(profile)))
  }
})
