/** Charts of the page: uPlot with labelled axes, colours of the page's theme, and a description in words. */
import uPlot from "uplot"
import { element } from "./Elements.mjs"

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const palette = ["--line-1", "--line-2", "--line-3"]
const charts = []

const axis = (label) => ({
  label,
  stroke: () => colour("--text"),
  grid: { stroke: () => colour("--grid"), width: 1 },
  ticks: { stroke: () => colour("--grid") },
  size: 64,
  values: (_, ticks) =>
    ticks.map((tick) => (tick === null ? "" : tick.toLocaleString("en-US", { notation: "compact" })))
})

const widthOf = (box) => Math.max(260, box.clientWidth)

/**
 * `series`: names; `data`: x, then one array per series. `points` draws dots instead of lines, `logarithmic` the x axis by powers of ten.
 */
export const chart = ({ data, description, logarithmic = false, onPick, points = false, series, x, y }) => {
  const box = element("div", { class: "chart", role: "img", "aria-label": description })
  const figure = element("figure", {}, box, element("figcaption", {}, description))
  queueMicrotask(() => {
    const plot = new uPlot(
      {
        width: widthOf(box),
        height: 260,
        scales: { x: { time: false, ...(logarithmic ? { distr: 3 } : {}) } },
        axes: [axis(x), axis(y)],
        cursor: { drag: { x: true, y: false } },
        series: [
          { label: x },
          ...series.map((label, index) => ({
            label,
            stroke: () => colour(palette[index % palette.length]),
            width: points ? 0 : 2,
            ...(points
              ? { paths: () => null, points: { show: true, size: 4, fill: () => colour(palette[index]) } }
              : { points: { show: false } })
          }))
        ]
      },
      data,
      box
    )
    if (onPick !== undefined)
      plot.over.addEventListener("click", () => plot.cursor.idx !== null && onPick(plot.cursor.idx))
    charts.push({ box, plot })
  })
  return figure
}

const redraw = () => {
  for (const { box, plot } of charts) {
    const width = widthOf(box)
    if (width === plot.width) plot.redraw()
    else plot.setSize({ width, height: 260 })
  }
}

addEventListener("resize", redraw)
addEventListener("beforeprint", redraw)
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw)
