/** The page of a comparison: totals, then the distributions of both sides and how far they lie apart, metric by metric. */
import { chart, joined } from "./Charts.mjs"
import { element, number, section, signedPercent, table } from "./Elements.mjs"

const labels = {
  ttft_ms: "Time to first token (ms)",
  ttst_ms: "First to second token (ms)",
  tpot_ms: "Mean gap per request, TPOT (ms)",
  itl_ms: "All gaps, ITL (ms)",
  e2e_latency_ms: "End to end (ms)",
  input_tokens: "Prompt tokens",
  output_tokens: "Output tokens"
}

const figureRows = (figures) =>
  Object.entries(figures).map(([name, { other, reference, relative_error }]) => [
    name,
    number(reference, 4),
    number(other, 4),
    signedPercent(relative_error)
  ])

const heads = ["", "reference", "compared", "error"]

/** Relative error of the compared side at each share of the samples; none where the reference is 0. */
const errorsOf = ({ other, reference }) =>
  reference.map((value, index) => (value === 0 ? null : (other[index] - value) / Math.abs(value)))

const distributions = (curve) => {
  const { metric, other, percent, reference } = curve
  const at = (share) => percent.indexOf(share)
  const label = labels[metric]
  return chart({
    data: joined([reference, percent], [other, percent]),
    logarithmic: Math.min(reference[0], other[0]) > 0,
    series: ["reference (%)", "compared (%)"],
    x: label,
    y: "samples (%)",
    description:
      `${label}: half of the reference is at most ${number(reference[at(50)], 2)}, of the compared ${number(other[at(50)], 2)}; `
      + `99 % at most ${number(reference[at(99)], 2)} and ${number(other[at(99)], 2)}.`
  })
}

const errors = (curve) => {
  const { metric, percent } = curve
  const relative = errorsOf(curve)
  const known = relative.map((error, index) => [percent[index], error]).filter(([, error]) => error !== null)
  const [share, largest] = known.reduce(
    (worst, next) => (Math.abs(next[1]) > Math.abs(worst[1]) ? next : worst),
    [0, 0]
  )
  return chart({
    data: [percent, relative.map((error) => (error === null ? null : 100 * error)), percent.map(() => 0)],
    series: ["error of the compared (%)", "no error"],
    x: "percentile",
    y: "error (%)",
    description:
      `${labels[metric]}, percentile by percentile: ${signedPercent(relative[percent.indexOf(50)])} at the median, `
      + `${signedPercent(relative[percent.indexOf(99)])} at the 99th, at most ${signedPercent(largest)} (at the ${number(share)}th).`
  })
}

const metricPart = ({ called, definition, kolmogorov_smirnov, matched, metric, samples, statistics }, curves) => {
  const curve = curves.find((each) => each.metric === metric)
  return [
    element("h3", {}, labels[metric]),
    element("p", {}, `${definition}.`, ...called.map((name) => ` ${name}.`)),
    ...(curve === undefined
      ? [element("p", {}, "Only one side tells its samples, so there is no distribution to draw.")]
      : [element("div", { class: "pair" }, distributions(curve), errors(curve))]),
    table(labels[metric], heads, figureRows(statistics)),
    ...(kolmogorov_smirnov === undefined
      ? []
      : [
          element(
            "p",
            {},
            `Kolmogorov-Smirnov distance ${number(kolmogorov_smirnov, 4)}: 0 equal, 1 apart (${number(samples.reference)} against ${number(samples.other)} samples).`
          )
        ]),
    ...(matched === undefined
      ? []
      : [
          element(
            "p",
            {},
            `Request by request (${number(matched.pairs)} pairs): mean error ${number(matched.mean_error, 3)}, mean absolute error ${number(matched.mean_absolute_error, 3)}, p95 ${number(matched.p95_absolute_error, 3)}.`
          )
        ])
  ]
}

export const drawComparison = ({ comparisons }) => {
  const [{ reference }] = comparisons
  document.querySelector("#lead").textContent =
    `${comparisons.map(({ other }) => `${other.name} (${other.source})`).join(", ")} against ${reference.name} (${reference.source}). Errors are those of the compared, with the first as reference.`
  for (const { curves, matched_by, metrics, other, remarks, totals } of comparisons) {
    section(
      `${other.name} against ${reference.name}`,
      element("p", {}, `Requests: ${matched_by.startsWith("not matched") ? "" : "matched by "}${matched_by}.`),
      ...remarks.map((remark) => element("p", { class: "warning" }, remark)),
      table("The whole run", heads, figureRows(totals)),
      table(
        "Errors in short",
        ["", "mean", "p50", "p90", "p99", "K-S distance"],
        metrics.map(({ kolmogorov_smirnov, metric, statistics }) => [
          labels[metric],
          ...["mean", "p50", "p90", "p99"].map((name) => signedPercent(statistics[name]?.relative_error)),
          number(kolmogorov_smirnov, 4)
        ])
      ),
      ...metrics.flatMap((metric) => metricPart(metric, curves))
    )
  }
}
