/** Packs the package, installs the tarball elsewhere, and uses both the command and the library there. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")
const sample = join(root, "traces/conversation_sample.jsonl")

const consumer = `
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { EngineArgs, PolynomialTiming, Replay, Report, Topology, VirtualClock, VllmEngine, Workload } from "dynosim"
import { run } from "dynosim/simulation/Replay"

if (run !== Replay.run) throw new Error("two copies of one module")
const report = await Effect.runPromise(Replay.run().pipe(
  Stream.run(Report.sink()),
  Effect.provide(Topology.layerSingle.pipe(
    Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
    Layer.provide(PolynomialTiming.layer),
    Layer.merge(Workload.Workload.layerSynthetic({ inputTokens: 100, outputTokens: 5, requestCount: 3, arrivalIntervalMs: 1, blockTokens: 64 })),
    Layer.merge(VirtualClock.VirtualClock.layer)
  ))
))
console.log(report.completed_requests)
`

describe("npm pack", () => {
  let elsewhere = ""
  const inElsewhere = (command: string, ...args: ReadonlyArray<string>): string =>
    execFileSync(command, args, { cwd: elsewhere, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

  beforeAll(() => {
    elsewhere = mkdtempSync(join(tmpdir(), "dynosim-pack-"))
    execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", elsewhere], { cwd: root, stdio: "ignore" })
    const tarball = readdirSync(elsewhere).find((name) => name.endsWith(".tgz"))
    writeFileSync(join(elsewhere, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }))
    inElsewhere("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", `./${tarball}`)
  }, 240_000)

  afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

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

  it("installs a library that another module composes", () => {
    writeFileSync(join(elsewhere, "consumer.mjs"), consumer)
    assert.strictEqual(inElsewhere(process.execPath, "consumer.mjs").trim(), "3")
  })

  it("contains neither sources nor tests, and no path of the machine it was built on", () => {
    const listed = inElsewhere("find", "node_modules/dynosim", "-type", "f")
    assert.notMatch(listed, /node_modules\/dynosim\/(src|test|bench)\//)
    const bundle = readFileSync(join(elsewhere, "node_modules/dynosim/bundle/dynosim.mjs"), "utf8")
    assert.notInclude(bundle, root)
  })
})
