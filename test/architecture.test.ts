/** Holds the direction of imports between the folders of src, as docs/architecture.md states it. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const source = resolve(import.meta.dirname, "../src")

/**
 * What each folder imports besides itself, lowest first: no more, so that a new dependency is a decision, and no less, so that one
 * that ends is noticed.
 */
const imported: Readonly<Record<string, ReadonlyArray<string>>> = {
  structures: [],
  host: [],
  request: ["structures"],
  settings: ["structures"],
  report: ["structures", "host", "request", "settings"],
  timing: ["structures", "host", "settings"],
  trace: ["structures", "host", "request", "settings"],
  engine: ["structures", "request", "settings", "timing"],
  router: ["structures", "request", "settings", "timing", "engine"],
  autoscaler: ["settings", "router", "engine"],
  workload: ["structures", "request", "settings", "trace"],
  simulation: [
    "structures",
    "host",
    "request",
    "settings",
    "report",
    "trace",
    "engine",
    "router",
    "autoscaler",
    "workload"
  ],
  online: ["request", "settings", "report", "trace", "engine", "router", "autoscaler", "workload", "simulation"],
  observe: ["structures", "request", "report", "engine", "simulation"],
  run: [
    "host",
    "structures",
    "request",
    "settings",
    "report",
    "timing",
    "trace",
    "engine",
    "router",
    "autoscaler",
    "workload",
    "simulation",
    "online"
  ],
  compare: ["request", "settings", "report", "engine", "simulation", "run"],
  html: ["structures", "host", "request", "settings", "report", "compare", "simulation", "observe", "run"],
  serve: ["structures", "request", "settings", "report", "engine", "router", "autoscaler", "simulation", "online"],
  record: ["host", "structures", "settings", "trace", "serve"],
  config: [
    "structures",
    "settings",
    "timing",
    "trace",
    "engine",
    "router",
    "autoscaler",
    "workload",
    "simulation",
    "run",
    "serve",
    "record"
  ],
  sweep: ["host", "settings", "report", "timing", "run", "config", "html"],
  cli: [
    "settings",
    "report",
    "timing",
    "trace",
    "workload",
    "simulation",
    "observe",
    "online",
    "run",
    "config",
    "serve",
    "record",
    "compare",
    "request",
    "html",
    "sweep"
  ],
  api: [
    "structures",
    "request",
    "settings",
    "report",
    "timing",
    "trace",
    "engine",
    "router",
    "autoscaler",
    "workload",
    "simulation",
    "online",
    "observe",
    "run",
    "config",
    "compare",
    "html",
    "sweep",
    "serve"
  ]
}

/**
 * What would make a run depend on chance, on the machine's clock or on its timers, and the files that may use it all the same: they
 * watch real time, of the machine or of a client, and nothing that they see reaches simulated time. `cli` is the real world.
 */
const fenced: Readonly<Record<string, ReadonlyArray<string>>> = {
  "Date.now": [],
  "new Date": [],
  "Math.random": [],
  "performance.now": ["host/Browser.ts", "serve/Routes.ts", "serve/SlowClients.ts"],
  monotonicMs: ["host/Browser.ts", "host/Node.ts", "simulation/Replay.ts"],
  setImmediate: [],
  setInterval: [],
  setTimeout: ["report/PipeReader.ts"],
  queueMicrotask: []
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))

const importsOf = (file: string): ReadonlyArray<string> =>
  [...readFileSync(join(source, file), "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) =>
    relative(source, resolve(source, dirname(file), match[1]!))
  )

/** What loading these files loads: they themselves, and what they import other than on demand. */
const loadedWith = (from: ReadonlyArray<string>): ReadonlyArray<string> => {
  const loaded = new Set(from)
  for (const file of loaded) {
    const text = readFileSync(join(source, file), "utf8")
    for (const [, target] of text.matchAll(/^(?:import|export) (?!type\b)[^"]*? from "(\.[^"]+)"/gm)) {
      loaded.add(relative(source, resolve(source, dirname(file), target!)))
    }
  }
  return [...loaded]
}

const folderOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "")

const importsAcross = (folder: string): ReadonlyArray<readonly [file: string, target: string]> =>
  files
    .filter((file) => folderOf(file) === folder)
    .flatMap((file) => importsOf(file).map((target) => [file, target] as const))
    .filter(([, target]) => folderOf(target) !== folder)

describe("architecture", () => {
  it("knows every folder of src, each above all that it imports", () => {
    const order = Object.keys(imported)
    assert.deepStrictEqual(
      [...new Set(files.map(folderOf).filter((folder) => folder !== ""))].toSorted(),
      order.toSorted()
    )
    for (const [folder, targets] of Object.entries(imported)) {
      for (const target of targets) assert.isBelow(order.indexOf(target), order.indexOf(folder), `${folder}: ${target}`)
    }
  })

  for (const [folder, targets] of Object.entries(imported)) {
    it(`${folder} imports what is listed, and nothing else`, () => {
      const imports = importsAcross(folder)
      assert.deepStrictEqual(
        imports
          .filter(([, target]) => !targets.includes(folderOf(target)))
          .map(([file, target]) => `${file} imports ${target}`),
        []
      )
      const used = new Set(imports.map(([, target]) => folderOf(target)))
      assert.deepStrictEqual(
        targets.filter((target) => !used.has(target)),
        [],
        `${folder} does not import these any more: take them out of the list`
      )
    })
  }

  it("keeps the errors of a room in one module", () => {
    const modules = files.filter((file) =>
      readFileSync(join(source, file), "utf8").includes("extends Schema.TaggedError")
    )
    assert.deepStrictEqual(
      modules.filter((file) => !file.endsWith("Error.ts")),
      []
    )
    const rooms = modules.map((file) => dirname(file))
    assert.deepStrictEqual(rooms, [...new Set(rooms)])
  })

  it("takes from Node.js itself in one file that browsers exchange, and in what never runs in one", () => {
    const users = files
      .filter((file) => !["cli", "record", "serve"].includes(folderOf(file)) && !file.startsWith("timing/aic/import/"))
      .filter((file) =>
        /"node:|getBuiltinModule|\bBuffer\.|\bprocess\.\w/.test(readFileSync(join(source, file), "utf8"))
      )
    assert.deepStrictEqual(users, ["host/Node.ts"])
  })

  it("reads no options for the program's own help, and no engine for those of a command", () => {
    const rooms = (...from: ReadonlyArray<string>) => [...new Set(loadedWith(from).map(folderOf))].toSorted()
    assert.deepStrictEqual(rooms("cli/Process.ts"), ["cli", "report", "settings"])
    const ofCommands = loadedWith(["cli/ReplayCommand.ts", "cli/TraceCommand.ts", "cli/ServeCommand.ts"])
    assert.deepStrictEqual(
      ofCommands.filter((file) => /(?:Worker|Loop|Core|Reader|Routes|Run)\.ts$/.test(file)),
      []
    )
  })

  it("loads nothing for a plain replay that it does not use", () => {
    const unused =
      /^(?:api|compare|html|observe|online|serve|sweep)\/|^timing\/(?:aic\/(?!Aic|OpPlan)|npz|bundle)|^engine\/sglang\/.*Worker|^trace\/formats\/(?!PrefixModel|TraceColumns)|Yaml/
    assert.deepStrictEqual(
      loadedWith(["cli/ReplayCommand.ts", "cli/RunReplay.ts"]).filter((file) => unused.test(file)),
      []
    )
  })

  for (const [name, users] of Object.entries(fenced)) {
    it(`uses ${name} only where it is listed`, () => {
      const use = new RegExp(`\\b${name.replace(".", "\\.")}\\b`)
      const found = files
        .filter((file) => folderOf(file) !== "cli")
        .filter((file) => use.test(readFileSync(join(source, file), "utf8")))
      assert.deepStrictEqual(found.toSorted(), users.toSorted())
    })
  }
})
