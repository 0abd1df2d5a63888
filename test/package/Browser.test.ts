/** The library in a browser: everything is bundled as a program for one, and runs where nothing of Node.js is. */
import { assert, describe, it } from "@effect/vitest"
import { join, resolve } from "node:path"
import { createContext, runInContext } from "node:vm"
import { rolldown } from "rolldown"
import { wallClockKeys } from "../../src/report/Report.ts"
import { replay } from "./BrowserReplay.ts"

const root = resolve(import.meta.dirname, "../..")

/** What browsers have and the language alone has not. */
const browserGlobals = {
  AbortController,
  clearTimeout,
  console,
  crypto,
  performance,
  queueMicrotask,
  setTimeout,
  TextDecoder,
  TextEncoder,
  URL
}

const bundled = async () => {
  const warnings: Array<string> = []
  const bundle = await rolldown({
    input: join(root, "test/package/BrowserReplay.ts"),
    cwd: root,
    platform: "browser",
    tsconfig: false,
    // As the installed package is seen: what was built, by the doors of package.json.
    resolve: { mainFields: ["browser", "module", "main"] },
    onLog: (_level, log) => void warnings.push(log.message)
  })
  const { output } = await bundle.generate({ format: "iife", name: "program", codeSplitting: false })
  await bundle.close()
  assert.strictEqual(output.length, 1)
  const [{ code, modules }] = output
  return { code, modules, warnings }
}

/** Without what only this machine's clock decides. */
const simulated = (json: string): unknown =>
  JSON.parse(json, (key, value: unknown) =>
    key === "dynosim" || wallClockKeys.some((wall) => wall === key) ? undefined : value
  )

describe("a bundle for browsers", () => {
  it("needs no module of Node.js, and replays the same there", async () => {
    const { code, modules, warnings } = await bundled()
    const names = Object.keys(modules)
    assert.include(names, join(root, "dist/host/Browser.js"))
    assert.notInclude(names, join(root, "dist/host/Node.js"))
    // Effect asks for one module of Node.js where there is a process, and does without otherwise.
    const ours = names.filter((name) => name.startsWith(join(root, "dist/")))
    assert.isAbove(ours.length, 150)
    assert.deepStrictEqual(
      ours.filter((name) => /["']node:|getBuiltinModule|\bBuffer\.|\bprocess\.\w/.test(modules[name]?.code ?? "")),
      []
    )
    assert.deepStrictEqual(
      warnings.filter((warning) => /UNRESOLVED|externalized|node:/i.test(warning)),
      []
    )
    const context = createContext({ ...browserGlobals })
    assert.strictEqual(
      runInContext("typeof require + typeof process + typeof Buffer", context),
      "undefinedundefinedundefined"
    )
    const report: unknown = await runInContext(`${code}\nprogram.replay()`, context)
    assert(typeof report === "string")
    assert.deepStrictEqual(simulated(report), simulated(await replay()))
  })
})
