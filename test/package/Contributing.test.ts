/** The recipes name files that exist, so that a move is noticed. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

/** Of a recipe's own file: written with a name in capitals. */
const isPlaceholder = (path: string): boolean => /\bNAME\b|…/.test(path)

describe("CONTRIBUTING.md", () => {
  for (const document of ["CONTRIBUTING.md", "docs/api.md", "docs/architecture.md"]) {
    it(`${document} names no file that is gone`, () => {
      const text = readFileSync(join(root, document), "utf8")
      const paths = [...text.matchAll(/(?<![\w/.])((?:src|test|docs|examples|tools)\/[\w./-]*\w\/?)/g)].map(
        ([, path]) => path!
      )
      assert.isNotEmpty(paths)
      assert.deepStrictEqual(
        paths.filter((path) => !isPlaceholder(path) && !existsSync(join(root, path))),
        []
      )
    })
  }
})
