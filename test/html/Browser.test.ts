/**
 * The page of a run in a real browser: Debian's chromium-headless-shell, which the CI script installs. Where there is none, this is
 * skipped.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { Browser, Page } from "playwright-core"
import { program } from "../cli/Program.ts"

const executable = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find(existsSync)
if (executable === undefined) {
  console.warn(
    "no chromium-headless-shell: tests of pages in a browser are skipped (apt-get install chromium-headless-shell)"
  )
}

const trace = resolve(import.meta.dirname, "../../traces/conversation_trace.jsonl")
const flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]

/** In the page: how many pixels of each chart are drawn. */
const drawnPixels = `[...document.querySelectorAll("canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  return data.filter((value, index) => index % 4 === 3 && value > 0).length
})`

/** Waits for what a script in the page says to be true; the page's own policy lets nobody evaluate text there. */
const until = (page: Page, condition: string): Promise<unknown> =>
  page.evaluate(
    `new Promise((done) => { const look = () => (${condition} ? done() : requestAnimationFrame(look)); look() })`
  )

describe.skipIf(executable === undefined)("the page of a run", () => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-page-"))
  const file = join(folder, "run.html")
  const complaints: Array<string> = []
  let browser: Browser | undefined
  let page: Page

  beforeAll(async () => {
    const outputs = ["--html", file, "--report-json", join(folder, "run.json"), "--quiet"]
    const { exit, stderr } = await Effect.runPromise(program(["replay", trace, "--num-workers", "4", ...outputs]))
    assert.strictEqual(exit, 0, stderr)
    const { chromium } = await import("playwright-core")
    browser = await chromium.launch({ executablePath: executable!, chromiumSandbox: false, args: flags })
    page = await browser.newPage({ viewport: { width: 1000, height: 900 } })
    page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())))
    page.on("pageerror", (error) => void complaints.push(error.message))
    page.on("request", (request) => void (request.url().startsWith("http") && complaints.push(request.url())))
    await page.goto(`file://${file}`)
    await page.waitForSelector("html[data-drawn]")
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
    const pixels: ReadonlyArray<number> = await page.evaluate(drawnPixels)
    for (const drawn of pixels) assert.isAbove(drawn, 1000)
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
    await page.selectOption("#order", "e2e_ms")
    await page.locator("tbody button").first().click()
    assert.notStrictEqual(await details.textContent(), slowest)
    const scatter = page.locator(".u-over").nth(3)
    await scatter.click()
    assert.match((await details.textContent()) ?? "", /^Request /)
    assert.match((await page.locator(".u-legend").nth(3).textContent()) ?? "", /TTFT \(ms\)[\d,.]+of it queued/)
    assert.deepStrictEqual(complaints, [])
  })

  it("is readable in the dark, on a telephone, and on paper", async () => {
    await page.emulateMedia({ colorScheme: "dark" })
    assert.strictEqual(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(20, 24, 31)")
    await page.setViewportSize({ width: 360, height: 640 })
    await until(page, "document.documentElement.scrollWidth <= innerWidth")
    await page.emulateMedia({ media: "print", colorScheme: "light" })
    assert.isAbove((await page.pdf()).length, 20_000)
    assert.deepStrictEqual(complaints, [])
  })
})
