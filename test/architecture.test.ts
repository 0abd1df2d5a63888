/** Holds the direction of imports between the folders of src, as docs/architecture.md states it. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const source = resolve(import.meta.dirname, "../src")

/** What each folder may import besides itself. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  random: [],
  settings: [],
  request: ["random"],
  trace: ["request", "settings", "config", "random"],
  timing: ["settings"],
  workload: ["trace", "request", "settings", "config", "random"],
  engine: ["timing", "request", "settings", "random"],
  router: ["engine", "timing", "request", "settings", "random"],
  report: ["request"],
  simulation: ["engine", "router", "timing", "workload", "trace", "request", "settings", "report", "random"],
  online: ["simulation", "engine", "router", "timing", "workload", "trace", "request", "settings", "report", "random"],
  serve: ["online", "simulation", "engine", "router", "timing", "workload", "request", "settings", "report", "random"],
  run: ["online", "simulation", "engine", "router", "timing", "workload", "trace", "config", "settings", "report"],
  config: ["engine", "router", "timing", "settings"]
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))

const importsOf = (file: string): ReadonlyArray<string> =>
  [...readFileSync(join(source, file), "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) =>
    relative(source, resolve(source, dirname(file), match[1]!))
  )

const folderOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "")

describe("architecture", () => {
  it("knows every folder of src", () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== "" && folder !== "cli"))
    assert.deepStrictEqual(
      [...folders].filter((folder) => !(folder in allowed)),
      []
    )
  })

  for (const folder of Object.keys(allowed)) {
    it(`${folder} imports only what lies below it`, () => {
      const violations = files
        .filter((file) => folderOf(file) === folder)
        .flatMap((file) =>
          importsOf(file)
            .filter((target) => folderOf(target) !== folder && !allowed[folder]!.includes(folderOf(target)))
            .map((target) => `${file} imports ${target}`)
        )
      assert.deepStrictEqual(violations, [])
    })
  }

  it("uses no chance and no wall clock below the command line", () => {
    const offenders = files
      .filter((file) => folderOf(file) !== "cli")
      .filter((file) => /Math\.random|Date\.now|new Date\(/.test(readFileSync(join(source, file), "utf8")))
    assert.deepStrictEqual(offenders, [])
  })
})
