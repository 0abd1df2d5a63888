/** Elements of the page. Text goes in as text, never as markup. */
export const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

export const section = (title, ...children) => {
  const made = element("section", {}, element("h2", {}, title), ...children)
  document.querySelector("#page").append(made)
  return made
}

/** Numbers to the right. */
export const table = (caption, head, rows) =>
  element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
      element(
        "tbody",
        {},
        ...rows.map(([first, ...others]) =>
          element("tr", {}, element("th", { scope: "row" }, first), ...others.map((cell) => element("td", {}, cell)))
        )
      )
    )
  )

/** A choice with its label; `onChange` is told the value. */
export const choice = (label, id, options, chosen, onChange) => {
  const select = element(
    "select",
    { id },
    ...options.map(([value, text]) => element("option", { value, ...(value === chosen ? { selected: "" } : {}) }, text))
  )
  select.addEventListener("change", () => onChange(select.value))
  return element("span", { class: "choice" }, element("label", { for: id }, `${label} `), select)
}

export const signedPercent = (share) =>
  share === null || share === undefined ? "–" : `${share < 0 ? "" : "+"}${number(100 * share, 2)} %`

export const number = (value, digits = 1) =>
  value === null || value === undefined ? "–" : value.toLocaleString("en-US", { maximumFractionDigits: digits })
