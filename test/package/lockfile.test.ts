/** The lockfile must install anywhere: it names packages and hashes, not the registry they came from. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly version?: string }>>
}

describe("package-lock.json", () => {
  const lockfile = JSON.parse(readFileSync(resolve(root, "package-lock.json"), "utf8")) as Lockfile

  it("names no download address", () => {
    const addressed = Object.entries(lockfile.packages).filter(([, entry]) => entry.resolved !== undefined)
    assert.deepStrictEqual(addressed, [])
  })

  it("agrees with the exact versions of package.json", () => {
    const manifest = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as {
      dependencies: Readonly<Record<string, string>>
      devDependencies: Readonly<Record<string, string>>
    }
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.strictEqual(lockfile.packages[`node_modules/${name}`]?.version, version, name)
    }
  })
})
