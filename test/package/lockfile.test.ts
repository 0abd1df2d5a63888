/** The lockfile must install anywhere: it names packages and hashes, not the registry they came from. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly resolved?: string
        readonly version?: string
        readonly link?: true
        readonly integrity?: string
        readonly hasInstallScript?: true
      }
    >
  >
}

describe("package-lock.json", () => {
  const lockfile = JSON.parse(readFileSync(resolve(root, "package-lock.json"), "utf8")) as Lockfile

  it("names no download address", () => {
    const addressed = Object.entries(lockfile.packages).filter(
      ([, { link, resolved }]) => resolved !== undefined && !link
    )
    assert.deepStrictEqual(addressed, [])
  })

  it("holds everything that installing brings: a hash for each package, and no script that could fetch more", () => {
    const packages = Object.entries(lockfile.packages).filter(
      ([path, { link }]) => /(^|\/)node_modules\//.test(path) && !link
    )
    assert.isAbove(packages.length, 50)
    assert.deepStrictEqual(
      packages.filter(([, { hasInstallScript, integrity }]) => !integrity || hasInstallScript),
      []
    )
  })

  it("locks a Node.js for the platforms that there are packages of it for", () => {
    for (const platform of ["linux-x64", "linux-arm64", "win-x64"]) {
      assert.strictEqual(lockfile.packages[`node_modules/node-${platform}`]?.version, "24.21.0")
    }
  })

  it("agrees with the exact versions of package.json", () => {
    const manifest = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as {
      dependencies: Readonly<Record<string, string>>
      devDependencies: Readonly<Record<string, string>>
    }
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      if (version.startsWith("file:")) continue
      assert.strictEqual(lockfile.packages[`node_modules/${name}`]?.version, version, name)
    }
  })
})
