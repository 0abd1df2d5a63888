/** Builds script and style of the HTML report into data/html, uPlot among them. Run from the repository root. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { rolldown } from "rolldown"

const licence = `/*! This page contains uPlot.\n${readFileSync("node_modules/uplot/LICENSE", "utf8")}*/\n`

const bundle = await rolldown({ input: "tools/html/Page.mjs", platform: "browser" })
const { output } = await bundle.generate({ format: "esm", minify: true })
const [{ code }] = output
const style = `${readFileSync("node_modules/uplot/dist/uPlot.min.css", "utf8")}\n${readFileSync("tools/html/page.css", "utf8")}`
mkdirSync("data/html", { recursive: true })
// The script stands in an element that these would end.
writeFileSync("data/html/page.js", licence + code.replaceAll("</script", String.raw`<\/script`))
writeFileSync("data/html/page.css", style)
