/** The built program in a heap that is too small for what it is asked for. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
import { Folder } from "./Program.ts"

const bundle = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")

/** More requests at once than this heap holds. */
const heapMib = 32
const load = ["--input-tokens=100", "--output-tokens=200", "--request-count=1000000"]

describe("a heap that fills up", () => {
  for (const [how, words] of [
    ["one worker, a closed loop", ["--replay-concurrency=1000000"]],
    ["two workers, all at once", ["--num-workers=2", "--arrival-interval-ms=0"]]
  ] as const) {
    it(`ends the run with one line, and nothing written: ${how}`, () => {
      const folder = new Folder({})
      try {
        const { status, stderr, stdout } = spawnSync(
          process.execPath,
          [`--max-old-space-size=${heapMib}`, bundle, "replay", ...load, ...words, "--report-json=r.json"],
          { encoding: "utf8" }
        )
        assert.match(
          stderr,
          /^error: the heap of Node\.js, 32 MiB, is full: [\d,]+ requests in flight, .*; let fewer requests wait \(more workers, .* NODE_OPTIONS=--max-old-space-size=MIB\n$/
        )
        assert.strictEqual(status, 1)
        assert.strictEqual(stdout, "")
        assert.deepStrictEqual(folder.added(), [])
      } finally {
        folder.leave()
      }
    })
  }
})
