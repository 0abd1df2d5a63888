/** Charts of the page: uPlot with labelled axes, colours of the page's theme, and a description in words. */
import uPlot from "uplot"
import { element } from "./Elements.mjs"

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const palette = ["--line-1", "--line-2", "--line-3"]
let charts = []

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

/** Curves with x values of their own as one table of data. */
export const joined = (...curves) => uPlot.join(curves)

/** How a series is drawn: dots or a line, in the colour of its place. */
const styleOf = (index, points, size) => ({
  stroke: () => colour(palette[index % palette.length]),
  width: points ? 0 : 2,
  spanGaps: true,
  ...(points
    ? { paths: () => null, points: { show: true, size, fill: () => colour(palette[index]) } }
    : { points: { show: false } })
})

/** The dot that lies nearest to the pointer, by its position in the data; none beyond a finger's width. */
const nearestDot = (plot, { left, top }) => {
  let found
  let nearest = 24 ** 2
  for (const values of plot.data.slice(1)) {
    for (const [index, value] of values.entries()) {
      if (value === null || value === undefined) continue
      const distance = (plot.valToPos(plot.data[0][index], "x") - left) ** 2 + (plot.valToPos(value, "y") - top) ** 2
      if (distance >= nearest) continue
      nearest = distance
      found = index
    }
  }
  return found
}

/**
 * `series`: names; `data`: x, then one array per series. `points` draws dots instead of lines (an array says it for each series),
 * `logarithmic` the x axis by powers of ten, `dotSize` in pixels. `onPick` is told the position of what is clicked: of the dot where `picksDots`, else of the x value.
 */
export const chart = ({
  data,
  description,
  dotSize = 4,
  logarithmic = false,
  onPick,
  picksDots = false,
  points = false,
  series,
  x,
  y
}) => {
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
            ...styleOf(index, Array.isArray(points) ? points[index] : points, dotSize)
          }))
        ]
      },
      data,
      box
    )
    if (onPick !== undefined) {
      plot.over.addEventListener("click", () => {
        const picked = picksDots ? nearestDot(plot, plot.cursor) : plot.cursor.idx
        if (picked !== null && picked !== undefined) onPick(picked)
      })
    }
    charts.push({ box, plot })
  })
  return figure
}

const redraw = () => {
  charts = charts.filter(({ box }) => box.isConnected)
  for (const { box, plot } of charts) {
    const width = widthOf(box)
    if (width === plot.width) plot.redraw()
    else plot.setSize({ width, height: 260 })
  }
}

addEventListener("resize", redraw)
addEventListener("beforeprint", redraw)
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw)
