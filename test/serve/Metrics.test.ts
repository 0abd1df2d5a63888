import { assert, describe, it } from "@effect/vitest"
import { Histogram } from "../../src/serve/Histogram.ts"
import { PrometheusText } from "../../src/serve/PrometheusText.ts"

describe("a histogram", () => {
  it("counts a value in the first bucket that holds it", () => {
    const histogram = new Histogram([1, 2, 5])
    histogram.observe(1)
    histogram.observe(1.5, 3)
    histogram.observe(9)
    assert.deepStrictEqual([...histogram.counts], [1, 3, 0, 1])
    assert.deepStrictEqual([histogram.count, histogram.sum], [5, 14.5])
  })
})

describe("the Prometheus format", () => {
  it("writes families with help, type and series", () => {
    const histogram = new Histogram([0.5, 1])
    histogram.observe(0.5)
    histogram.observe(0.7, 2)
    histogram.observe(3)
    const text = new PrometheusText()
      .counter("a_total", "What a is.", [
        [{ name: 'quo"te\\back\nline' }, 3],
        [{}, 4]
      ])
      .gauge("b", "What b is.", [[{ x: "1", y: "2" }, 0.25]])
      .histogram("c", "What c is.", { m: "z" }, histogram)
      .toString()
    assert.strictEqual(
      text,
      [
        "# HELP a_total What a is.",
        "# TYPE a_total counter",
        'a_total{name="quo\\"te\\\\back\\nline"} 3',
        "a_total 4",
        "# HELP b What b is.",
        "# TYPE b gauge",
        'b{x="1",y="2"} 0.25',
        "# HELP c What c is.",
        "# TYPE c histogram",
        'c_bucket{m="z",le="0.5"} 1',
        'c_bucket{m="z",le="1"} 3',
        'c_bucket{m="z",le="+Inf"} 4',
        'c_sum{m="z"} 4.9',
        'c_count{m="z"} 4',
        ""
      ].join("\n")
    )
  })
})
