/** Packs the package, installs the tarball elsewhere, and uses both the command and, with Effect beside it, the library there. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { nodeProblem } from "../../src/cli/NodeVersion.ts"

const root = resolve(import.meta.dirname, "../..")
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
}
/** Pictures, what those read who change the program, and the whole trace that some tables are made of: pages that name it say so. */
const inRepositoryOnly =
  /^(docs\/images\/.*\.png|docs\/(architecture|invariants)\.md|traces\/conversation_trace\.jsonl)$/
const sample = join(root, "traces/conversation_sample.jsonl")

const consumer = `
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { EngineArgs, PolynomialTiming, Replay, Report, Topology, VirtualClock, VllmEngine, Workload } from "dynosim"
 
const closed = await import("dynosim/simulation/Replay").catch((error) => error.code)
if (closed !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error("an internal module can be imported")
const report = await Effect.runPromise(Replay.run().pipe(
  Stream.run(Report.sink()),
  Effect.provide(Topology.layerSingle.pipe(
    Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
    Layer.provide(PolynomialTiming.layer),
    Layer.merge(Workload.layerSynthetic({ inputTokens: 100, outputTokens: 5, requestCount: 3, arrivalIntervalMs: 1, blockTokens: 64 })),
    Layer.merge(VirtualClock.layer)
  ))
))
console.log(report.completed_requests)
`

describe("npm pack", () => {
  let elsewhere = ""
  let installed: ReadonlyArray<string> = []
  let packedBytes = 0
  const inElsewhere = (command: string, ...args: ReadonlyArray<string>): string =>
    execFileSync(command, args, { cwd: elsewhere, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

  beforeAll(() => {
    elsewhere = mkdtempSync(join(tmpdir(), "dynosim-pack-"))
    execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", elsewhere], { cwd: root, stdio: "ignore" })
    const tarball = readdirSync(elsewhere).find((name) => name.endsWith(".tgz"))
    packedBytes = statSync(join(elsewhere, tarball ?? "")).size
    writeFileSync(join(elsewhere, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }))
    inElsewhere("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", `./${tarball}`)
    installed = readdirSync(join(elsewhere, "node_modules")).filter((name) => !name.startsWith("."))
  })

  afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

  it("is smaller than 6 MB and brings the measurements of AIC timing", () => {
    assert.isBelow(packedBytes, 6e6)
    const slices = inElsewhere(process.execPath, "node_modules/.bin/dynosim", "aic", "list")
    assert.match(slices, /^b200_sxm +vllm +0\.19\.0 +dense moe mla /m)
  })

  it("installs a command that replays a trace", () => {
    const output = inElsewhere(
      process.execPath,
      "node_modules/.bin/dynosim",
      "replay",
      sample,
      "--report-json",
      "report.json"
    )
    assert.match(output, /Saved full report to: .*report\.json/)
    const report = JSON.parse(readFileSync(join(elsewhere, "report.json"), "utf8")) as { completed_requests: number }
    assert.isAbove(report.completed_requests, 0)
  })

  it("installs a command whose threads carry out runs, and print nothing of their own", () => {
    const load = { "input-tokens": 100, "output-tokens": 5, "request-count": 3, "arrival-interval-ms": 1 }
    const plan = { base: load, axes: { "num-workers": [1, 2] }, objective: "minimise total_gpus" }
    writeFileSync(join(elsewhere, "plan.json"), JSON.stringify(plan))
    const words = ["sweep", "plan.json", "--threads", "1", "--json", "-"]
    const { combinations, failed } = JSON.parse(
      inElsewhere(process.execPath, "node_modules/.bin/dynosim", ...words)
    ) as Readonly<Record<string, ReadonlyArray<unknown>>>
    assert.deepStrictEqual([combinations!.length, failed], [2, []])
  })

  it("installs a library that another module composes", () => {
    // What `npm install effect @effect/platform-node` brings.
    for (const name of ["effect", "@effect"]) {
      symlinkSync(join(root, "node_modules", name), join(elsewhere, "node_modules", name))
    }
    writeFileSync(join(elsewhere, "consumer.mjs"), consumer)
    assert.strictEqual(inElsewhere(process.execPath, "consumer.mjs").trim(), "3")
  })

  it("installs for the command alone without Effect, whose code and licences are in the bundle", () => {
    assert.deepStrictEqual(installed.toSorted(), ["dynosim", ...Object.keys(manifest.dependencies)].toSorted())
    const licences = readFileSync(join(elsewhere, "node_modules/dynosim/bundle/THIRD-PARTY-LICENSES.txt"), "utf8")
    for (const name of ["effect", "@effect/platform-node", "yaml", "jsonc-parser", "fflate", "hyparquet", "ws"]) {
      assert.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC)\\)\n\n.{5,}`, "m"))
    }
  })

  it("has everything that its README and docs link to and run", () => {
    const folder = join(elsewhere, "node_modules/dynosim")
    const documents = ["README.md", ...readdirSync(join(folder, "docs")).map((name) => `docs/${name}`)]
    const named = documents.flatMap((document) => {
      const text = readFileSync(join(folder, document), "utf8")
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => join(dirname(document), match[1]!))
      const inputs = [...text.matchAll(/^npx dynosim .*$/gm)].flatMap(
        ([command]) => command.match(/\b(traces|examples|data|docs)\/[\w./-]+/g) ?? []
      )
      return [...links, ...inputs]
    })
    assert.isAbove(named.length, 30)
    assert.deepStrictEqual(
      named.filter((name) => !inRepositoryOnly.test(name) && !existsSync(join(folder, name))),
      []
    )
  })

  it("says in one line that a Node.js is too old", () => {
    const [major, minor] = manifest.engines.node.match(/\d+/g)!.map(Number)
    const needed = `${major}.${minor}.0`
    for (const version of ["18.20.8", `${major! - 1}.99.0`, `${major}.${minor! - 1}.9`]) {
      assert.strictEqual(
        nodeProblem(version),
        `dynosim needs Node.js ${needed} or newer, this is ${version}; see https://nodejs.org`
      )
    }
    for (const version of [needed, `${major}.${minor}.1`, `${major}.${minor! + 1}.0`, `${major! + 1}.0.0`]) {
      assert.strictEqual(nodeProblem(version), undefined)
    }
  })

  it("contains neither sources nor tests, and no path of the machine it was built on", () => {
    const listed = inElsewhere("find", "node_modules/dynosim", "-type", "f")
    assert.notMatch(listed, /node_modules\/dynosim\/(src|test|tools|bench\/(?!README\.md))/)
    const bundle = readFileSync(join(elsewhere, "node_modules/dynosim/bundle/dynosim.mjs"), "utf8")
    assert.notInclude(bundle, root)
  })
})
