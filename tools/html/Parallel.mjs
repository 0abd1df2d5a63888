/** A line per combination over parallel axes: its settings, then its figures. */
const namespace = "http://www.w3.org/2000/svg"

const svg = (name, attributes, ...children) => {
  const made = document.createElementNS(namespace, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

const width = 1000
const height = 260
const [top, bottom] = [40, 225]

/** `axes`: `{ name, labels: [low, high], at: (combination) => 0 to 1 or undefined }`; `classOf` says how a line looks. */
export const parallel = (combinations, axes, classOf, description) => {
  const x = (axis) => 60 + (axis * (width - 120)) / Math.max(1, axes.length - 1)
  const y = (share) => bottom - share * (bottom - top)
  const line = (combination) =>
    svg("polyline", {
      class: classOf(combination),
      points: axes
        .flatMap(({ at }, axis) => {
          const share = at(combination)
          return share === undefined ? [] : [`${x(axis).toFixed(1)},${y(share).toFixed(1)}`]
        })
        .join(" ")
    })
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "parallel", role: "img", "aria-label": description },
    ...combinations.map(line),
    ...axes.flatMap(({ labels: [low, high], name }, axis) => [
      svg("line", { x1: x(axis), x2: x(axis), y1: top, y2: bottom }),
      svg("text", { x: x(axis), y: axis % 2 === 0 ? 12 : 24 }, name),
      svg("text", { x: x(axis), y: top - 4 }, high),
      svg("text", { x: x(axis), y: bottom + 14 }, low)
    ])
  )
}
