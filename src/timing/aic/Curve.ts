/**
 * Latency over one measured quantity: linear between neighbours, linear on from the outermost two points.
 *
 * A segment that falls towards the outside is not followed there: the value of its lower end is used.
 */
import { segmentOf } from "../Segment.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"

/** Linear through two points; outside them a falling line stays at `y0`. */
export const lineThrough = (x0: number, y0: number, x1: number, y1: number, x: number): number =>
  y1 < y0 && (x < x0 || x > x1) ? y0 : y0 + ((y1 - y0) / (x1 - x0)) * (x - x0)

export class Curve {
  private readonly xs: Float64Array
  private readonly ys: Float64Array
  private readonly range: MeasuredRange
  private readonly axis: Axis

  /** `xs` strictly increasing, at least one point; `axis` says what they count. */
  constructor(xs: Float64Array, ys: Float64Array, range: MeasuredRange, axis: Axis = Axis.tokens) {
    this.xs = xs
    this.ys = ys
    this.range = range
    this.axis = axis
  }

  get last(): number {
    return this.xs[this.xs.length - 1]!
  }

  at(x: number): number {
    const { xs, ys } = this
    const end = xs.length - 1
    if (x < xs[0]!) this.range.leave(this.axis, x, xs[0]!)
    else if (x > xs[end]!) this.range.leave(this.axis, x, xs[end]!)
    if (end === 0) return ys[0]!
    const i = segmentOf(xs, x)
    return lineThrough(xs[i]!, ys[i]!, xs[i + 1]!, ys[i + 1]!, x)
  }
}
