/**
 * Picking a worker from the costs: the cheapest, ties broken by a uniform draw, or a softmax draw.
 *
 * The reference draws from a generator that the operating system seeds, so its ties fall differently in every run;
 * any uniform draw has the same distribution, and this one repeats.
 */
import type { Pcg32 } from "../../structures/Pcg32.ts"

/** Which of several equally cheap workers: a seeded draw, or always the one with the lowest id. */
export const tieBreaks = ["random", "lowest"] as const
export type TieBreak = (typeof tieBreaks)[number]

/** Writes the workers at exactly the smallest cost into `out`, ascending, and returns how many there are. */
export const minima = (costs: Float64Array, out: Int32Array): number => {
  let lowest = Infinity
  let count = 0
  for (let worker = 0; worker < costs.length; worker++) {
    const cost = costs[worker]!
    if (cost > lowest) continue
    if (cost < lowest) count = 0
    lowest = cost
    out[count] = worker
    count += 1
  }
  return count
}

/** One of `count` equally good workers. Draws only when there is a choice. */
export const pickTied = (tied: Int32Array, count: number, tieBreak: TieBreak, random: Pcg32): number =>
  count === 1 || tieBreak === "lowest" ? tied[0]! : tied[random.below(count)]!

/**
 * Softmax over costs scaled to their own range: the cheapest weighs 1, the dearest exp(-1 / temperature).
 * A worker that may not be chosen costs `Infinity`. The other costs must not all be equal; `weights` is scratch of the same length.
 */
export const pickSoftmax = (costs: Float64Array, temperature: number, weights: Float64Array, random: Pcg32): number => {
  let lowest = Infinity
  let highest = -Infinity
  for (let worker = 0; worker < costs.length; worker++) {
    const cost = costs[worker]!
    lowest = Math.min(lowest, cost)
    if (cost < Infinity) highest = Math.max(highest, cost)
  }
  const scale = -1 / ((highest - lowest) * temperature)
  let total = 0
  for (let worker = 0; worker < costs.length; worker++) {
    const weight = Math.exp(costs[worker]! * scale - lowest * scale)
    weights[worker] = weight
    total += weight
  }
  const draw = random.unit()
  let reached = 0
  for (let worker = 0; worker < costs.length; worker++) {
    reached += weights[worker]! / total
    if (reached >= draw && weights[worker]! > 0) return worker
  }
  // The sum of all shares may fall short of 1 by rounding.
  return weights.findLastIndex((weight) => weight > 0)
}
