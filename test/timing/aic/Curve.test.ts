import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Curve, lineThrough } from "../../../src/timing/aic/Curve.ts"
import { MeasuredRange } from "../../../src/timing/aic/MeasuredRange.ts"
import { segmentOf } from "../../../src/timing/Segment.ts"

const curve = (points: ReadonlyArray<readonly [number, number]>, range = new MeasuredRange()) =>
  new Curve(
    Float64Array.from(points, ([x]) => x),
    Float64Array.from(points, ([, y]) => y),
    range
  )

const Step = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))
const Latency = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Points = Schema.Array(Schema.Tuple([Step, Latency])).check(Schema.isMinLength(2), Schema.isMaxLength(20))
const Anywhere = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000 }))

/** Steps to increasing x. */
const increasing = (steps: ReadonlyArray<readonly [number, number]>): ReadonlyArray<readonly [number, number]> => {
  let x = 0
  return steps.map(([step, y]) => [(x += step), y] as const)
}

describe("Curve", () => {
  it("is linear between points and on beyond the outermost two", () => {
    const rising = curve([
      [10, 100],
      [20, 200],
      [40, 300]
    ])
    assert.deepStrictEqual(
      [10, 15, 20, 30, 40, 60].map((x) => rising.at(x)),
      [100, 150, 200, 250, 300, 400]
    )
    assert.strictEqual(rising.at(0), 0)
  })

  it("does not follow a falling segment outwards, but stays at its lower end's value", () => {
    const falling = curve([
      [10, 300],
      [20, 200],
      [40, 100]
    ])
    assert.strictEqual(falling.at(5), 300)
    assert.strictEqual(falling.at(30), 150)
    assert.strictEqual(falling.at(41), 200)
    assert.strictEqual(falling.at(40), 100)
  })

  it("answers a single point with itself", () => {
    assert.strictEqual(curve([[10, 7]]).at(1000), 7)
  })

  it("notes when it leaves the measured range, and only then", () => {
    const range = new MeasuredRange()
    const measured = curve(
      [
        [10, 1],
        [20, 2]
      ],
      range
    )
    for (const x of [10, 15, 20]) measured.at(x)
    assert.isFalse(range.left)
    measured.at(21)
    assert.isTrue(range.left)
    range.reset()
    measured.at(9)
    assert.isTrue(range.left)
  })

  it.prop("passes through its points and stays between neighbours", [Points, Anywhere], ([steps, x]) => {
    const points = increasing(steps)
    const measured = curve(points)
    for (const [node, y] of points) assert.approximately(measured.at(node), y, 1e-9 * y)
    const next = points.findIndex(([node]) => node > x)
    if (next <= 0) return
    const [below, above] = [points[next - 1]![1], points[next]![1]]
    assert.isAtLeast(measured.at(x), Math.min(below, above) * (1 - 1e-12))
    assert.isAtMost(measured.at(x), Math.max(below, above) * (1 + 1e-12))
  })

  it.prop("never falls below its ends outside, and is monotone there", [Points, Anywhere], ([steps, distance]) => {
    const points = increasing(steps)
    const measured = curve(points)
    const last = points.at(-1)![0]
    assert.isAtLeast(measured.at(last + distance + 1), measured.at(last + 1) - 1e-6)
    assert.isAtLeast(measured.at(last + 1), Math.min(points.at(-1)![1], points.at(-2)![1]))
  })

  it.prop("finds the segment that a search from the left finds", [Points, Anywhere], ([steps, x]) => {
    const nodes = Float64Array.from(increasing(steps), ([node]) => node)
    let expected = 0
    for (let i = 1; i < nodes.length - 1; i++) if (nodes[i]! <= x) expected = i
    assert.strictEqual(segmentOf(nodes, x), expected)
  })

  it("keeps the lower value outside a falling pair", () => {
    assert.strictEqual(lineThrough(1, 10, 2, 5, 3), 10)
    assert.strictEqual(lineThrough(1, 10, 2, 5, 0), 10)
    assert.strictEqual(lineThrough(1, 10, 2, 5, 2), 5)
    assert.strictEqual(lineThrough(1, 5, 2, 10, 3), 15)
  })
})
