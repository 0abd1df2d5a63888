/**
 * A measured timing profile (`planner_profile_data`): prefill time over new tokens, decode time over KV tokens in use
 * and context length. Linear between the measured points, and on along the outermost ones.
 */
import * as Result from "effect/Result"
import { segmentOf } from "../Segment.ts"
import type { TimingModel } from "../Timing.ts"
import type { NpyArray } from "./NpyArray.ts"
import type { ArrayProblem } from "./NpzArchive.ts"

/** The arrays of a profile, by their names in the file. */
export const profileArrays = [
  "prefill_isl",
  "prefill_ttft_ms",
  "decode_active_kv_tokens",
  "decode_context_length",
  "decode_itl"
] as const
export type ProfileArrays = Record<(typeof profileArrays)[number], NpyArray>

type AxisName = "prefill_isl" | "decode_active_kv_tokens" | "decode_context_length"
const axes: ReadonlyArray<AxisName> = ["prefill_isl", "decode_active_kv_tokens", "decode_context_length"]

const axisProblem = (arrays: ProfileArrays, array: AxisName): ArrayProblem | undefined => {
  const { shape, values } = arrays[array]
  if (shape.length !== 1) return { array, problem: "must have one dimension" }
  if (values.length < 2) return { array, problem: `needs at least 2 points, has ${values.length}` }
  const stuck = values.findIndex((value, i) => i > 0 && !(value > values[i - 1]!))
  return stuck < 0 ? undefined : { array, problem: `must increase strictly, but entry ${stuck} does not` }
}

const shapeProblem = (arrays: ProfileArrays, array: keyof ProfileArrays, along: ReadonlyArray<AxisName>) => {
  const wanted = along.map((axis) => arrays[axis].values.length)
  const { shape } = arrays[array]
  if (shape.length === wanted.length && shape.every((size, i) => size === wanted[i])) return undefined
  const sizes = `has the shape (${shape.join(", ")}) instead of (${wanted.join(", ")})`
  return { array, problem: `${sizes}, the sizes of ${along.join(" and ")}` }
}

/** Tokens, and milliseconds: no pass takes eleven days. Far above it a number is damaged, and its extrapolation would not end. */
const largest = 1e9

const valueProblem = (arrays: ProfileArrays): ArrayProblem | undefined => {
  for (const array of profileArrays) {
    const { values } = arrays[array]
    const bad = values.findIndex((value) => !(Math.abs(value) <= largest))
    if (bad >= 0)
      return { array, problem: `entry ${bad} is ${values[bad]}; expected a number from -${largest} to ${largest}` }
  }
  return undefined
}

const line = (x0: number, y0: number, x1: number, y1: number, x: number): number => {
  const slope = (y1 - y0) / (x1 - x0)
  return slope * x + y1 - slope * x1
}

/** A model from the arrays of a profile; fails where they do not fit together. Its times may be negative outside. */
export const plannerProfile = (arrays: ProfileArrays): Result.Result<TimingModel, ArrayProblem> => {
  const problem =
    valueProblem(arrays)
    ?? axes.map((axis) => axisProblem(arrays, axis)).find((found) => found !== undefined)
    ?? shapeProblem(arrays, "prefill_ttft_ms", ["prefill_isl"])
    ?? shapeProblem(arrays, "decode_itl", ["decode_active_kv_tokens", "decode_context_length"])
  if (problem !== undefined) return Result.fail(problem)

  const isls = arrays.prefill_isl.values
  const ttfts = arrays.prefill_ttft_ms.values
  const kvTokens = arrays.decode_active_kv_tokens.values
  const contexts = arrays.decode_context_length.values
  const itls = arrays.decode_itl.values
  const columns = contexts.length
  const decodeMs: TimingModel["decodeMs"] = (_batch, activeKvTokens, meanContextTokens) => {
    const i = segmentOf(kvTokens, activeKvTokens)
    const j = segmentOf(contexts, meanContextTokens)
    const here = i * columns + j
    const next = here + columns
    const nearer = line(kvTokens[i]!, itls[here]!, kvTokens[i + 1]!, itls[next]!, activeKvTokens)
    const farther = line(kvTokens[i]!, itls[here + 1]!, kvTokens[i + 1]!, itls[next + 1]!, activeKvTokens)
    return Math.max(0, line(contexts[j]!, nearer, contexts[j + 1]!, farther, meanContextTokens))
  }
  return Result.succeed({
    prefillMs: (batch, meanIslTokens, meanPrefixTokens) => {
      const tokens = batch * Math.max(0, meanIslTokens - meanPrefixTokens)
      if (tokens === 0) return 0
      const i = segmentOf(isls, tokens)
      return Math.max(0, line(isls[i]!, ttfts[i]!, isls[i + 1]!, ttfts[i + 1]!, tokens))
    },
    decodeMs,
    ahead: { begin: () => {}, decodeMs, ignoresContext: false, taken: () => {} }
  })
}
