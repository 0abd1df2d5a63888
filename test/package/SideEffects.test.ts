/** Modules that are imported for what they do, not for what they offer, are named in package.json: bundlers drop the others without a word. */
import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

/** `import "./A.ts"`, and `await import("./A.ts")` whose value nobody takes. */
const forItsEffect = /^\s*(?:import |(?:if \(.*\) )?await import\()"(\.[^"]+)"/gm

const importedForTheirEffect = globSync("src/**/*.ts", { cwd: root }).flatMap((file) =>
  [...readFileSync(join(root, file), "utf8").matchAll(forItsEffect)].map(
    ([, path]) => `./${relative(root, join(root, dirname(file), path!)).replaceAll("\\", "/")}`
  )
)

describe("package.json", () => {
  it("names every module that is imported for its effect, as source and as built", () => {
    const { sideEffects } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly sideEffects: ReadonlyArray<string>
    }
    assert.include(importedForTheirEffect, "./src/cli/SmallHeap.ts")
    const sources = [...new Set(importedForTheirEffect)].toSorted()
    const built = sources.map((path) => path.replace("./src/", "./dist/").replace(/\.ts$/, ".js"))
    assert.deepStrictEqual(sideEffects.toSorted(), [...sources, ...built].toSorted())
  })
})
