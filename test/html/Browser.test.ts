/** Pages in a real browser: of a run, a sweep and a comparison. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { Browser, Page } from "playwright-core"
import { program } from "../cli/Program.ts"
import { drawnPixels, fitsEverywhere, hasBrowser, launch, openPage, until } from "./Pages.ts"

const trace = resolve(import.meta.dirname, "../../traces/conversation_trace.jsonl")
describe.skipIf(!hasBrowser)("the page of a run", () => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-page-"))
  const file = join(folder, "run.html")
  let complaints: ReadonlyArray<string> = []
  let browser: Browser | undefined
  let page: Page

  beforeAll(async () => {
    const outputs = ["--html", file, "--report-json", join(folder, "run.json"), "--quiet"]
    const { exit, stderr } = await Effect.runPromise(program(["replay", trace, "--num-workers", "4", ...outputs]))
    assert.strictEqual(exit, 0, stderr)
    browser = await launch()
    ;({ complaints, page } = await openPage(browser, file))
  })

  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it("has at most 300 kB for 12,031 requests", () => {
    assert.isAtMost(statSync(file).size, 300_000)
  })

  it("draws every chart, says each in words, and asks nobody for anything", async () => {
    await until(page, 'document.querySelectorAll("canvas").length === 7')
    for (const drawn of await drawnPixels(page)) assert.isAbove(drawn, 1000)
    const described = await page.locator('[role="img"][aria-label]').count()
    assert.strictEqual(described, 7)
    assert.match((await page.textContent("#lead")) ?? "", /^12,031 requests in /)
    assert.deepStrictEqual(complaints, [])
  })

  it("tells why a request was slow, by mouse and by keyboard", async () => {
    const details = page.locator("#request")
    await page.locator("tbody button").first().focus()
    await page.keyboard.press("Enter")
    const slowest = await details.textContent()
    assert.match(slowest ?? "", /^Request [\d,]+: arrived at .* Queued .* first token after .*(waited|prefill|decode) /)
    await page.selectOption("#order", "end to end")
    await page.locator("tbody button").first().click()
    assert.notStrictEqual(await details.textContent(), slowest)
    const scatter = page.locator(".u-over").nth(3)
    await scatter.click()
    assert.match((await details.textContent()) ?? "", /^Request /)
    assert.match((await page.locator(".u-legend").nth(3).textContent()) ?? "", /TTFT \(ms\)[\d,.]+of it queued/)
    assert.deepStrictEqual(complaints, [])
  })

  // The first is too large for any worker, the second is computing when the run is cut off, the third has one token.
  it.each([
    ["nothing fits", ["--extra-engine-args", '{"num_gpu_blocks": 2}'], /no request that was completed has one/],
    ["nothing is completed", ["--max-sim-time-seconds", "0.1"], /no request that was completed has one/],
    ["every output is a token", ["--output-tokens", "1"], /Mean gap between tokens: no request that was completed has/]
  ])("claims nothing where %s", async (_, more, words) => {
    const few = join(folder, "few.html")
    const load = ["--input-tokens", "3000", "--output-tokens", "90", "--request-count", "1"]
    const { exit } = await Effect.runPromise(
      program(["replay", ...load, ...more, "--html", few, "--report-json", join(folder, "few.json"), "--quiet"])
    )
    assert.strictEqual(exit, 0)
    const opened = await openPage(browser!, few)
    const text = (await opened.page.textContent("main")) ?? ""
    assert.match((await opened.page.textContent("#lead")) ?? "", /^1 request in /)
    assert.match(text, words)
    assert.notMatch(text, /at most 0 ms|NaN|undefined/)
    assert.deepStrictEqual(opened.complaints, [])
    await opened.page.close()
  })

  it("is readable in the dark, on a telephone, and on paper", async () => {
    assert.isAbove(await fitsEverywhere(page), 20_000)
    assert.deepStrictEqual(complaints, [])
  })
})

const sweepPlan = `base: {input-tokens: 2000, output-tokens: 50, request-count: 20, arrival-interval-ms: 5}
axes:
  num-workers: [1, 2, 3]
  extra-engine-args.max_num_seqs: [4, 8]
constraints: [p99_ttft_ms < 1000]
pareto: [minimise total_gpus, minimise p99_ttft_ms]
`

const load = [
  "--input-tokens=lognormal:800,1",
  "--output-tokens=uniform:20,80",
  "--request-count=200",
  "--request-rate=8"
]

describe.skipIf(!hasBrowser)("pages of several runs", () => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-pages-"))
  const at = (name: string): string => join(folder, name)
  let browser: Browser

  const succeed = async (...words: ReadonlyArray<string>): Promise<void> => {
    const { exit, stderr } = await Effect.runPromise(program(words))
    assert.strictEqual(exit, 0, stderr)
  }

  beforeAll(async () => {
    writeFileSync(at("plan.yaml"), sweepPlan)
    await succeed(
      "sweep",
      at("plan.yaml"),
      "--results",
      at("r"),
      "--html",
      at("sweep.html"),
      "--threads",
      "1",
      "--quiet"
    )
    for (const [name, ratio] of [
      ["a", 1],
      ["b", 1.3]
    ] as const) {
      const engine = JSON.stringify({ decode_speedup_ratio: ratio })
      await succeed(
        "replay",
        ...load,
        "--json",
        at(`${name}.json`),
        "--report-jsonl",
        at(`${name}.jsonl`),
        "--extra-engine-args",
        engine,
        "--quiet"
      )
    }
    await succeed("compare", `${at("a.json")},${at("a.jsonl")}`, at("b.jsonl"), "--html", at("comparison.html"))
    browser = await launch()
  })

  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it("show a sweep: the front, filters, and the settings of a dot, a row, and a key press", async () => {
    const { complaints, page } = await openPage(browser, at("sweep.html"))
    const described = page.locator('figure [role="img"]')
    assert.match(
      (await page.textContent("#lead")) ?? "",
      /^6 combinations, \d within the constraints \(p99_ttft_ms < 1000\); minimise total_gpus, minimise p99_ttft_ms\.$/
    )
    await until(page, 'document.querySelectorAll("canvas").length === 1')
    for (const drawn of await drawnPixels(page)) assert.isAbove(drawn, 1000)
    assert.match(
      (await described.getAttribute("aria-label")) ?? "",
      /On the line nothing is better in both: \d combinations, from \d gpus with /
    )
    assert.strictEqual(await page.locator(".parallel polyline").count(), 6)

    const settings = page.locator("#settings")
    await page.getByRole("button", { name: "settings of 4" }).focus()
    await page.keyboard.press("Enter")
    assert.match(
      (await settings.textContent()) ?? "",
      /^Combination 4: num-workers 3, extra-engine-args\.max_num_seqs 4/
    )
    assert.deepInclude(JSON.parse((await settings.locator("pre").textContent()) ?? ""), { "num-workers": 3 })
    assert.strictEqual(await page.locator(".parallel polyline.chosen").count(), 1)
    // The left-most dots are those of the one-worker runs.
    const place = await page.locator(".u-over").boundingBox()
    const reaches = async (): Promise<boolean> => {
      for (let y = 2; y < (place?.height ?? 0); y += 30) {
        await page.locator(".u-over").click({ position: { x: (place?.width ?? 0) / 22, y } })
        if (/^Combination \d: num-workers 1,/.test((await settings.textContent()) ?? "")) return true
      }
      return false
    }
    assert.isTrue(await reaches())

    await page.getByRole("checkbox", { name: "3" }).uncheck()
    assert.match((await page.textContent("#count")) ?? "", /^4 of 6 combinations/)
    const most = page.getByRole("slider").nth(1)
    await most.focus()
    await page.keyboard.press("Home")
    assert.match((await page.textContent("#count")) ?? "", /^2 of 6 combinations/)
    assert.strictEqual(
      await page
        .getByRole("region", { name: /combinations by/ })
        .locator("tbody tr")
        .count(),
      2
    )
    await page.selectOption("#choose-y", { label: "mean_ttft_ms" })
    assert.match((await described.getAttribute("aria-label")) ?? "", /^mean_ttft_ms against total_gpus/)
    assert.isAbove(await fitsEverywhere(page), 10_000)
    assert.deepStrictEqual(complaints, [])
  })

  it("show how pools were scaled, where they were", async () => {
    writeFileSync(at("schedule.jsonl"), '{"at_s": 5, "workers": 3}\n{"at_s": 15, "workers": 2}\n')
    const scaled = [
      "--autoscale-schedule",
      at("schedule.jsonl"),
      "--html",
      at("scaled.html"),
      "--json",
      at("scaled.json")
    ]
    await succeed("replay", ...load, "--num-workers=2", ...scaled, "--quiet")
    const { complaints, page } = await openPage(browser, at("scaled.html"))
    await until(page, 'document.querySelectorAll("canvas").length === 8')
    for (const drawn of await drawnPixels(page)) assert.isAbove(drawn, 1000)
    const described = page.locator('figure [role="img"]').nth(7)
    assert.match((await described.getAttribute("aria-label")) ?? "", /^Workers: 2 to 3 ready, \d+ changes by /)
    assert.deepStrictEqual(complaints, [])
  })

  it("show a comparison: both distributions, and the error percentile by percentile", async () => {
    const { complaints, page } = await openPage(browser, at("comparison.html"))
    await until(page, 'document.querySelectorAll("canvas").length === 12')
    for (const drawn of await drawnPixels(page)) assert.isAbove(drawn, 1000)
    const described = await page
      .locator('figure [role="img"]')
      .evaluateAll((all) => all.map((each) => each.ariaLabel ?? ""))
    assert.match(
      described[4] ?? "",
      /^Mean gap per request, TPOT \(ms\): half of the reference is at most [\d.]+, of the compared [\d.]+; 99 % at most/
    )
    assert.match(
      described[5] ?? "",
      /^Mean gap per request, TPOT \(ms\), percentile by percentile: -2\d[\d.]* % at the median/
    )
    assert.match(
      (await page.locator("main").textContent()) ?? "",
      /Kolmogorov-Smirnov distance 0\.\d+: 0 equal, 1 apart \(200 against 200 samples\)/
    )
    assert.isAbove(await fitsEverywhere(page), 20_000)
    assert.deepStrictEqual(complaints, [])
  })
})
