/** Draws the page: of a run, a sweep or a comparison, as the data in it says. */
import { drawComparison } from "./ComparisonPage.mjs"
import { drawRun } from "./RunPage.mjs"
import { drawSweep } from "./SweepPage.mjs"
import { unpackText } from "./Unpack.mjs"

const { kind, packed, ...page } = JSON.parse(document.querySelector("#data").textContent)
const content = packed === undefined ? page : JSON.parse(await unpackText(packed))
await { run: drawRun, sweep: drawSweep, comparison: drawComparison }[kind](content)
document.documentElement.dataset.drawn = "true"
