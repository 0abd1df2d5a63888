/** A browser for tests of pages: Debian's chromium-headless-shell, which the CI script installs. Where there is none, they are skipped. */
import { existsSync } from "node:fs"
import type { Browser, Page } from "playwright-core"

const executable = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find(existsSync)
if (executable === undefined) {
  console.warn(
    "no chromium-headless-shell: tests of pages in a browser are skipped (apt-get install chromium-headless-shell)"
  )
}

export const hasBrowser = executable !== undefined

const flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]

export const launch = async (): Promise<Browser> => {
  const { chromium } = await import("playwright-core")
  return chromium.launch({ executablePath: executable ?? "", chromiumSandbox: false, args: flags })
}

export interface OpenPage {
  readonly page: Page
  /** Errors of the page, and addresses that it asked for. */
  readonly complaints: ReadonlyArray<string>
}

/** A page that is drawn. */
export const openPage = async (browser: Browser, file: string): Promise<OpenPage> => {
  const complaints: Array<string> = []
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 } })
  page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())))
  page.on("pageerror", (error) => void complaints.push(error.message))
  page.on("request", (request) => void (request.url().startsWith("http") && complaints.push(request.url())))
  await page.goto(`file://${file}`)
  await page.waitForSelector("html[data-drawn]")
  return { page, complaints }
}

/** How many pixels of each chart are drawn. */
export const drawnPixels = (page: Page): Promise<ReadonlyArray<number>> =>
  page.evaluate(`[...document.querySelectorAll("canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  return data.filter((value, index) => index % 4 === 3 && value > 0).length
})`)

/** Waits for what a script in the page says to be true; the page's own policy lets nobody evaluate text there. */
export const until = (page: Page, condition: string): Promise<unknown> =>
  page.evaluate(
    `new Promise((done) => { const look = () => (${condition} ? done() : requestAnimationFrame(look)); look() })`
  )

/** In the dark, on a telephone, on paper: nothing sticks out, and it prints. */
export const fitsEverywhere = async (page: Page): Promise<number> => {
  await page.emulateMedia({ colorScheme: "dark" })
  await until(page, 'getComputedStyle(document.body).backgroundColor === "rgb(20, 24, 31)"')
  await page.setViewportSize({ width: 360, height: 640 })
  await until(page, "document.documentElement.scrollWidth <= innerWidth")
  await page.emulateMedia({ media: "print", colorScheme: "light" })
  return (await page.pdf()).length
}
