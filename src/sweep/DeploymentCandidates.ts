/**
 * `deployment: auto`: every deployment within the GPU budget, over all ways to spread the model for which there are AIC tables and
 * memory. Aggregated: each spread with 1, 2, ... workers. Disaggregated: each pair of spreads with each pair of worker counts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { configError } from "../config/ConfigError.ts"
import * as Deployment from "../run/Deployment.ts"
import { emptyObject, type JsonNode, type JsonObject } from "../settings/JsonNode.ts"
import type { ParallelSizes } from "../timing/aic/ParallelSizes.ts"
import { spreadsOf, spreadText } from "../timing/aic/Spreads.ts"
import { type Axis, type CandidateWord, deploymentAxis, isCandidates } from "./Axis.ts"
import { cellsOf } from "./Cell.ts"
import type { Plan } from "./Plan.ts"

const { at } = emptyObject

const presetOf = (counts: Readonly<Record<string, number>>): JsonObject => ({
  ...emptyObject,
  entries: new Map(
    Object.entries(counts).map(([key, count]) => [
      key,
      { keyAt: at, value: { _tag: "Integer", value: BigInt(count), literal: String(count), at } as const }
    ])
  )
})

const gpusOf = ({ attentionDp, tp }: ParallelSizes): number => tp * attentionDp

/** Keys of a preset; sizes that are 1 go without saying, save where experts are split one way and not the other. */
const sizeCounts = (sizes: ParallelSizes, role: string): Readonly<Record<string, number>> => {
  const { attentionDp, moeEp, moeTp, tp } = sizes
  const isSplit = moeTp > 1 || moeEp > 1
  return {
    [`${role}tp`]: tp,
    ...(attentionDp > 1 ? { [`${role}attention_dp`]: attentionDp } : {}),
    ...(isSplit ? { [`${role}moe_tp`]: moeTp, [`${role}moe_ep`]: moeEp } : {})
  }
}

const upTo = (most: number): ReadonlyArray<number> => Array.from({ length: Math.max(most, 0) }, (_, index) => index + 1)

const aggregated = (spreads: ReadonlyArray<ParallelSizes>, maxGpus: number): ReadonlyArray<JsonObject> =>
  spreads.flatMap((sizes) =>
    upTo(Math.floor(maxGpus / gpusOf(sizes))).map((workers) => presetOf({ workers, ...sizeCounts(sizes, "") }))
  )

const disaggregated = (spreads: ReadonlyArray<ParallelSizes>, maxGpus: number): ReadonlyArray<JsonObject> =>
  spreads.flatMap((first) =>
    spreads.flatMap((second) =>
      upTo(Math.floor((maxGpus - gpusOf(second)) / gpusOf(first))).flatMap((prefill) =>
        upTo(Math.floor((maxGpus - prefill * gpusOf(first)) / gpusOf(second))).map((decode) =>
          presetOf({ prefill, decode, ...sizeCounts(first, "prefill_"), ...sizeCounts(second, "decode_") })
        )
      )
    )
  )

const listed = (
  word: CandidateWord,
  spreads: ReadonlyArray<ParallelSizes>,
  maxGpus: number
): ReadonlyArray<JsonObject> => [
  ...(word === "disaggregated" ? [] : aggregated(spreads, maxGpus)),
  ...(word === "aggregated" ? [] : disaggregated(spreads, maxGpus))
]

const withValues = (plan: Plan, position: number, axis: Axis, values: Axis["values"]): Plan => ({
  ...plan,
  axes: plan.axes.with(position, { ...axis, values })
})

/** The options of a plan's first point under a preset. */
const optionsUnder = (plan: Plan, position: number, axis: Axis, preset: JsonNode) => {
  const one = withValues(plan, position, axis, [preset])
  return Result.flatMap(cellsOf(one), (cells) => cells(one.axes.map(() => 0)))
}

/** Why a spread is no candidate; `undefined` for one that can be timed and leaves room for a KV pool. */
const problemWith = Effect.fnUntraced(function* (plan: Plan, position: number, axis: Axis, sizes: ParallelSizes) {
  const made = yield* Effect.fromResult(
    optionsUnder(plan, position, axis, presetOf({ workers: 2, ...sizeCounts(sizes, "") }))
  )
  if ("_tag" in made) return made.reason
  const [cell] = made
  if (cell === undefined) return undefined
  const deployed = yield* Effect.scoped(Effect.result(Deployment.deploy(cell.options)))
  return Result.isFailure(deployed) ? deployed.failure.message : undefined
})

/** The plan with its candidates listed; as it is where it lists its deployments itself. */
export const resolve = Effect.fnUntraced(function* (plan: Plan) {
  const position = plan.axes.findIndex(({ name }) => name === deploymentAxis)
  const axis = plan.axes[position]
  const word = axis?.values[0]
  if (axis === undefined || word === undefined || !isCandidates(word)) return plan
  const refuse = (problem: string, hint: string) =>
    configError(plan.source, `axes.${deploymentAxis}`, word.at, problem, hint)
  const { maxGpus } = plan
  if (maxGpus === undefined) return yield* refuse(`${word.value} needs a GPU budget`, "add max_gpus")
  const made = yield* Effect.fromResult(optionsUnder(plan, position, axis, presetOf({ workers: 2 })))
  const deployment = "_tag" in made ? undefined : made[0]?.options.deployment
  if (deployment === undefined && "_tag" in made)
    return yield* refuse(made.reason, "mend the base, or list deployments")
  const aic = deployment?._tag === "Aggregated" ? deployment.engine.aic : undefined
  if (aic?.modelPath === undefined) {
    return yield* refuse(
      `${word.value} needs AIC timing`,
      "give extra-engine-args of the base aic_backend and aic_model_path"
    )
  }
  const fitting: Array<ParallelSizes> = []
  const leftOut: Array<string> = []
  for (const sizes of yield* spreadsOf(aic.modelPath, maxGpus)) {
    const problem = yield* problemWith(plan, position, axis, sizes)
    if (problem === undefined) fitting.push(sizes)
    else leftOut.push(`${spreadText(sizes)} is no candidate: ${problem}`)
  }
  const [first, ...others] = listed(word.value, fitting, maxGpus)
  if (first === undefined) {
    return yield* refuse("there is no candidate", leftOut.length === 0 ? "raise max_gpus" : leftOut.join("; "))
  }
  return { ...withValues(plan, position, axis, [first, ...others]), leftOut }
})
