/**
 * The default timing model: fixed polynomials in scheduled prompt tokens and in KV utilisation.
 *
 * Coefficients are those of the reference's built-in model (ai-dynamo 1.3.1).
 */
import * as Layer from "effect/Layer"
import { type DecodeAhead, Timing, type TimingModel } from "./Timing.ts"

/** Prefill of `batch * (meanIsl - meanPrefix)` new tokens. */
const prefillMs: TimingModel["prefillMs"] = (batch, meanIslTokens, meanPrefixTokens) => {
  const tokens = batch * Math.max(0, meanIslTokens - meanPrefixTokens)
  return Math.max(0, 4.209989e-7 * (tokens * tokens) + 1.518344e-2 * tokens + 1.650142e1)
}

/** A decode step depends on the share of the KV pool in use alone. */
const decodeMs: TimingModel["decodeMs"] = (_batch, activeKvTokens, _meanContextTokens, capacityTokens) => {
  const usage = activeKvTokens / capacityTokens
  return -25.74 * (usage * usage) + 54.01 * usage + 5.74
}

const ahead: DecodeAhead = { begin: () => {}, decodeMs, ignoresContext: true, taken: () => {} }

/** The model itself, without a layer. */
export const polynomialModel: TimingModel = { prefillMs, decodeMs, ahead }

/**
 * The reference's built-in model (coefficients of ai-dynamo 1.3.1): polynomials in computed prompt tokens and in the share of the KV pool
 * in use.
 */
export const layer: Layer.Layer<Timing> = Layer.succeed(Timing, { source: "polynomial", make: () => polynomialModel })
