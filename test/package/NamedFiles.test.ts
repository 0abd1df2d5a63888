/** Documents name files that exist, so that a move is noticed. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

/** Of a recipe's own file: written with a name in capitals. */
const isPlaceholder = (path: string): boolean => /\bNAME\b|…/.test(path)

const pages = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`)

/** Where `engine/Engine.ts` in a page may lie: pages shorten the paths of what they speak of. */
const sources = ["src", "test", "examples", "bench", "tools"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => `/${folder}/${name}`)
)

describe("documents", () => {
  for (const document of [
    "README.md",
    "CONTRIBUTING.md",
    "bench/README.md",
    "bench/changes.md",
    "traces/README.md",
    ...pages
  ]) {
    it(`${document} names no file that is gone`, () => {
      const text = readFileSync(join(root, document), "utf8")
      const paths = [...text.matchAll(/(?<![\w/.])((?:src|test|docs|examples|tools)\/[\w./-]*\w\/?)/g)].map(
        ([, path]) => path!
      )
      assert.deepStrictEqual(
        paths.filter((path) => !isPlaceholder(path) && !existsSync(join(root, path))),
        []
      )
      const named = [...text.matchAll(/`([\w/-]+\.ts)`/g)].map(([, name]) => name!)
      assert.deepStrictEqual(
        named.filter((name) => !isPlaceholder(name) && !sources.some((source) => source.endsWith(`/${name}`))),
        []
      )
    })
  }
})
