/** What the page of a run shows of KV tiers, in a real browser where there is one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Folder, program } from "../cli/Program.ts"
import { hasBrowser, launch, openPage } from "./Pages.ts"

const args = {
  engine_type: "sglang",
  block_size: 64,
  num_gpu_blocks: 30,
  kv_bytes_per_token: 131_072,
  num_g2_blocks: 40,
  num_g3_blocks: 500,
  offload_policy: "write_through"
}

/** Four prompts of 8 blocks, again and again. */
const rows = Array.from({ length: 20 }, (_, index) => {
  const hashIds = Array.from({ length: 8 }, (__, block) => (index % 4) * 100 + block)
  return JSON.stringify({ timestamp: index * 500, input_length: 512, output_length: 4, hash_ids: hashIds })
})

describe.skipIf(!hasBrowser)("the page of a run with KV tiers", () => {
  it("draws what they held, and says what was reused of each", async () => {
    const folder = new Folder({ "a.jsonl": rows.join("\n") })
    const browser = await launch()
    try {
      const flags = ["--trace-block-size", "64", "--extra-engine-args", JSON.stringify(args)]
      const outputs = ["--html", "run.html", "--report-json", "run.json", "--quiet"]
      const { exit, stderr } = await Effect.runPromise(program(["replay", "a.jsonl", ...flags, ...outputs]))
      assert.strictEqual(exit, 0, stderr)
      const { complaints, page } = await openPage(browser, `${folder.path}/run.html`)
      const chart = page.locator('[role="img"][aria-label^="KV tiers: "]')
      const { dynosim } = JSON.parse(folder.read("run.json"))
      assert.strictEqual(
        await chart.getAttribute("aria-label"),
        "KV tiers: 32 blocks (host), 32 blocks (disk) at the end."
      )
      assert.deepStrictEqual(await chart.locator(".u-legend .u-label").allTextContents(), [
        "simulated time (s)",
        "host blocks",
        "disk blocks"
      ])
      const { device, host } = dynosim.kv_tiers.reused_tokens
      assert.isAbove(host, 0)
      const table = (await page.locator("table", { hasText: "Prompt tokens reused" }).textContent()) ?? ""
      assert.include(table, `Prompt tokens reused: device${device.toLocaleString("en-US")}`)
      assert.include(table, `Prompt tokens reused: host${host.toLocaleString("en-US")}`)
      assert.deepStrictEqual(complaints, [])
    } finally {
      await browser.close()
      folder.leave()
    }
  })
})
