/** The page of a sweep: every combination as a dot, a line and a row; filters; the settings of the one that is chosen. */
import { chart } from "./Charts.mjs"
import { isShown, paretoFront, rangeOf } from "./Combinations.mjs"
import { choice, element, number, section, table } from "./Elements.mjs"
import { parallel } from "./Parallel.mjs"

/** Rows of the table; more say nothing more. */
const mostRows = 200

export const drawSweep = ({ axes, combinations, constraints, metrics, objectives, remarks }) => {
  const position = (name) => metrics.findIndex((metric) => metric.name === name)
  const figureText = (value, metric) =>
    `${number(value, 4)}${metrics[metric].unit === "ratio" ? "" : ` ${metrics[metric].unit}`}`
  const named = metrics.flatMap(({ isNamed }, metric) => (isNamed ? [metric] : []))
  const ranges = metrics.map((_, metric) => rangeOf(combinations.map(({ figures }) => figures[metric])))
  const axisValues = axes.map((_, axis) => [...new Set(combinations.map(({ values }) => values[axis]))])
  const maximises = metrics.map(({ isMaximised }) => isMaximised)
  const filters = {
    onlyFeasible: false,
    picked: axisValues.map((values) => new Set(values)),
    bounds: ranges.map((range) => [...range])
  }
  const [first, second] = objectives.map(({ name }) => position(name))
  const shown = {
    x: first,
    y:
      second
      ?? [...constraints.map(({ name }) => position(name)), ...named].find((metric) => metric !== first)
      ?? first,
    order: first
  }
  let chosen = combinations.find(({ mark }) => mark === "best") ?? combinations[0]

  const nameOf = ({ values }) =>
    axes.length === 0 ? "the base" : axes.map((name, axis) => `${name} ${values[axis]}`).join(", ")

  const scatterHolder = element("div", {})
  const parallelHolder = element("div", {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": "Parallel axes"
  })
  const tableHolder = element("div", {})
  const settings = element("div", { id: "settings", role: "status", "aria-live": "polite" })
  const count = element("p", { id: "count", role: "status" })

  const showSettings = () => {
    if (chosen === undefined) return
    settings.replaceChildren(
      element("h3", {}, `Combination ${number(chosen.index)}: ${nameOf(chosen)}`),
      ...(chosen.misses.length === 0
        ? []
        : [element("p", { class: "warning" }, `Misses the constraints: ${chosen.misses.join(", ")}`)]),
      table(
        "Its figures",
        ["", "value"],
        metrics.map(({ name }, metric) => [name, figureText(chosen.figures[metric], metric)])
      ),
      element("p", {}, "Its options, as a file for dynosim replay --config:"),
      element(
        "pre",
        { tabindex: "0", "aria-label": "Options of the combination" },
        JSON.stringify(chosen.config, undefined, 2)
      )
    )
  }

  const choose = (combination) => {
    chosen = combination
    showSettings()
    drawParallel(visible())
    settings.scrollIntoView({ block: "nearest" })
  }

  const visible = () => combinations.filter((each) => isShown(each, filters))

  const drawScatter = (rows) => {
    const { x, y } = shown
    const dots = rows
      .filter(({ figures }) => figures[x] !== null && figures[y] !== null)
      .toSorted((left, right) => left.figures[x] - right.figures[x])
    const front = paretoFront(rows, x, y, maximises)
    const inFront = new Set(front)
    // A place without dots at either end: the chart would leave out dots that share the outermost value.
    const column = (belongs) => [null, ...dots.map((each) => (belongs(each) ? each.figures[y] : null)), null]
    const [leftMost, rightMost] = rangeOf(dots.map(({ figures }) => figures[x]))
    const margin = (rightMost - leftMost) / 20 || 1
    const ends = [front[0], front.at(-1)].flatMap((each) =>
      each === undefined ? [] : [`${figureText(each.figures[x], x)} with ${figureText(each.figures[y], y)}`]
    )
    scatterHolder.replaceChildren(
      chart({
        data: [
          [leftMost - margin, ...dots.map(({ figures }) => figures[x]), rightMost + margin],
          column(({ isFeasible }) => isFeasible),
          column(({ isFeasible }) => !isFeasible),
          column((each) => inFront.has(each))
        ],
        points: [true, true, false],
        picksDots: true,
        series: ["within the constraints", "misses them", "Pareto front"],
        x: metrics[x].name,
        y: metrics[y].name,
        onPick: (index) => choose(dots[index - 1]),
        dotSize: 8,
        description:
          `${metrics[y].name} against ${metrics[x].name}, a dot per combination; a click shows its settings. `
          + (front.length === 0
            ? "None is within the constraints."
            : `On the line nothing is better in both: ${number(front.length)} combinations, from ${[...new Set(ends)].join(" to ")}.`)
      })
    )
  }

  const lines = [
    ...axes.map((name, axis) => {
      const values = axisValues[axis]
      return {
        name,
        labels: [values[0] ?? "", values.at(-1) ?? ""],
        at: (combination) => values.indexOf(combination.values[axis]) / Math.max(1, values.length - 1)
      }
    }),
    ...named.map((metric) => {
      const [low, high] = ranges[metric]
      return {
        name: metrics[metric].name,
        labels: [number(low, 2), number(high, 2)],
        at: ({ figures }) =>
          figures[metric] === null ? undefined : high === low ? 0.5 : (figures[metric] - low) / (high - low)
      }
    })
  ]

  const drawParallel = (rows) => {
    const within = new Set(rows)
    const classOf = (each) => (!within.has(each) ? "out" : each === chosen ? "chosen" : each.isFeasible ? "" : "misses")
    const order = (each) => (each === chosen ? 2 : within.has(each) ? 1 : 0)
    parallelHolder.replaceChildren(
      parallel(
        combinations.toSorted((left, right) => order(left) - order(right)),
        lines,
        classOf,
        `A line per combination over ${lines.map(({ name }) => name).join(", ")}; the chosen one is ${chosen === undefined ? "none" : nameOf(chosen)}. The table below has the same figures.`
      )
    )
  }

  const drawTable = (rows) => {
    const { order } = shown
    const direction = maximises[order] ? -1 : 1
    const costOf = ({ figures }) => (figures[order] === null ? Infinity : direction * figures[order])
    const sorted = rows.toSorted(
      (left, right) => Number(right.isFeasible) - Number(left.isFeasible) || costOf(left) - costOf(right)
    )
    tableHolder.replaceChildren(
      table(
        `${number(Math.min(mostRows, rows.length))} of ${number(rows.length)} combinations by ${metrics[order].name}`,
        ["combination", ...axes, ...named.map((metric) => metrics[metric].name), "is"],
        sorted.slice(0, mostRows).map((each) => {
          const button = element("button", { type: "button" }, `settings of ${number(each.index)}`)
          button.addEventListener("click", () => choose(each))
          return [button, ...each.values, ...named.map((metric) => number(each.figures[metric], 4)), each.mark]
        })
      )
    )
  }

  const draw = () => {
    const rows = visible()
    count.textContent = `${number(rows.length)} of ${number(combinations.length)} combinations are shown.`
    drawScatter(rows)
    drawParallel(rows)
    drawTable(rows)
  }

  const checkbox = (text, isChecked, onChange) => {
    const input = element("input", { type: "checkbox", ...(isChecked ? { checked: "" } : {}) })
    input.addEventListener("change", () => {
      onChange(input.checked)
      draw()
    })
    return element("label", {}, input, ` ${text}`)
  }

  const axisFilter = (name, axis) =>
    element(
      "fieldset",
      {},
      element("legend", {}, name),
      ...axisValues[axis].map((value) =>
        checkbox(value, true, (isOn) => (isOn ? filters.picked[axis].add(value) : filters.picked[axis].delete(value)))
      )
    )

  const slider = (metric, end) => {
    const [low, high] = ranges[metric]
    const told = element("output", {}, figureText(ranges[metric][end], metric))
    const input = element("input", { type: "range", min: "0", max: "200", value: end === 0 ? "0" : "200" })
    input.addEventListener("input", () => {
      // The ends are the figures themselves, which no rounding may leave out.
      const share = Number(input.value) / 200
      const bound = share === 0 ? low : share === 1 ? high : low + share * (high - low)
      filters.bounds[metric][end] = bound
      told.textContent = figureText(bound, metric)
      draw()
    })
    return element("label", {}, end === 0 ? "at least " : "at most ", told, input)
  }

  const metricFilter = (metric) =>
    element("fieldset", {}, element("legend", {}, metrics[metric].name), slider(metric, 0), slider(metric, 1))

  const options = metrics.map(({ name }, metric) => [String(metric), name])
  const metricChoice = (label, key) =>
    choice(label, `choose-${key}`, options, String(shown[key]), (value) => {
      shown[key] = Number(value)
      draw()
    })

  document.querySelector("#lead").textContent =
    `${number(combinations.length)} combinations, ${number(combinations.filter(({ isFeasible }) => isFeasible).length)} within the constraints`
    + `${constraints.length === 0 ? "" : ` (${constraints.map(({ text }) => text).join(", ")})`}; ${objectives.map(({ text }) => text).join(", ")}.`
  const best = combinations.find(({ mark }) => mark === "best")
  const bought = (each) => named.map((metric) => `${metrics[metric].name} ${figureText(each.figures[metric], metric)}`)
  section(
    "What to choose",
    ...(best === undefined
      ? []
      : [element("p", {}, `The best: ${nameOf(best)}. It gives ${bought(best).join(", ")}.`)]),
    ...remarks.map((remark) => element("p", {}, remark))
  )
  if (combinations.length === 0) return
  section(
    "One against the other",
    element("p", {}, metricChoice("across", "x"), metricChoice("up", "y")),
    scatterHolder
  )
  section(
    "Filters",
    element(
      "div",
      { class: "filters" },
      element(
        "fieldset",
        {},
        element("legend", {}, "constraints"),
        checkbox("only what meets them", false, (isOn) => (filters.onlyFeasible = isOn))
      ),
      ...axes.map(axisFilter),
      ...named.map(metricFilter)
    ),
    count,
    parallelHolder
  )
  section("Combinations", element("p", {}, metricChoice("the best first, by", "order")), tableHolder)
  section("Settings", settings)
  draw()
  showSettings()
}
