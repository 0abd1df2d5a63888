/** What the page of a run shows of pools that were scaled, in a real browser where there is one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { program } from "../cli/Program.ts"
import { hasBrowser, launch, openPage } from "./Pages.ts"

const root = resolve(import.meta.dirname, "../..")

describe.skipIf(!hasBrowser)("the page of a run whose workers come and go", () => {
  it("draws how many there were", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dynosim-pools-"))
    const file = join(folder, "run.html")
    const { exit, stderr } = await Effect.runPromise(
      program([
        "replay",
        join(root, "traces/conversation_sample.jsonl"),
        "--autoscale-schedule",
        join(root, "examples/schedule.jsonl"),
        "--html",
        file,
        "--report-json",
        join(folder, "run.json"),
        "--quiet"
      ])
    )
    assert.strictEqual(exit, 0, stderr)
    const browser = await launch()
    try {
      const { complaints, page } = await openPage(browser, file)
      const chart = page.locator('[role="img"][aria-label^="Workers: "]')
      assert.strictEqual(await chart.getAttribute("aria-label"), "Workers: 1 to 3 ready, 2 changes by schedule.")
      assert.deepStrictEqual(await chart.locator(".u-legend .u-label").allTextContents(), [
        "simulated time (s)",
        "ready",
        "starting",
        "draining"
      ])
      assert.deepStrictEqual(complaints, [])
    } finally {
      await browser.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
