/** Lengths and waits of a class of requests: fixed, drawn from a named distribution, or from a table of percentiles. */
import type { Pcg32 } from "../../structures/Pcg32.ts"
import { duration, type Kind, number } from "../../settings/Kind.ts"
import { numberOf } from "../../settings/NumberText.ts"
import { lengthSampler, maxLengthTokens, tokenLengths, type TokenLengths } from "../TokenLengths.ts"
import { exponential } from "../Variates.ts"
import { evenShares, meanOf, type PercentileTable, percentileTable, valueAt } from "./PercentileTable.ts"

/** In tokens, or turns. */
export type Lengths = TokenLengths | PercentileTable

/** In ms. `exponential:MEAN` is drawn, each draw for itself. */
export type Waits = number | { readonly distribution: "exponential"; readonly mean: number } | PercentileTable

const isTable = (value: object): value is PercentileTable => Array.isArray(value)

const either = <A, B>(one: Kind<A>, other: Kind<B>): Kind<A | B> => ({
  expected: `${one.expected}, or ${other.expected}`,
  form: "other",
  schema: { anyOf: [one.schema, other.schema] },
  read: (value) => one.read(value) ?? other.read(value),
  explain: (value) => one.explain?.(value) ?? other.explain?.(value)
})

export const lengths: Kind<Lengths> = either(tokenLengths, percentileTable(number(1, maxLengthTokens)))

const exponentialOf = (value: unknown): { readonly distribution: "exponential"; readonly mean: number } | undefined => {
  const [, mean] = typeof value === "string" ? (/^exponential:(.+)$/.exec(value.trim()) ?? []) : []
  const read = mean === undefined ? undefined : duration.read(numberOf(mean))
  return read === undefined ? undefined : { distribution: "exponential", mean: read }
}

const namedWaits: Kind<number | { readonly distribution: "exponential"; readonly mean: number }> = {
  expected: `${duration.expected}, exponential:MEAN`,
  form: "other",
  schema: { anyOf: [duration.schema, { type: "string", pattern: "^exponential:" }] },
  read: (value) => duration.read(value) ?? exponentialOf(value)
}

export const waits: Kind<Waits> = either(namedWaits, percentileTable(duration))

/** Draws whole lengths of at least 1, `count` of them or more. */
export const lengthDraws = (of: Lengths, count: number, random: Pcg32): (() => number) => {
  if (typeof of === "number" || !isTable(of)) return lengthSampler(of, random)
  const share = evenShares(count, random)
  return () => Math.max(1, Math.round(valueAt(of, share())))
}

/** Draws times in ms, `count` of them or more. */
export const waitDraws = (of: Waits, count: number, random: Pcg32): (() => number) => {
  if (typeof of === "number") return () => of
  if (!isTable(of)) return () => of.mean * exponential(random)
  const share = evenShares(count, random)
  return () => valueAt(of, share())
}

export const meanLength = (of: Lengths): number => {
  if (typeof of === "number") return of
  if (isTable(of)) return meanOf(of)
  return of.distribution === "uniform" ? (of.low + of.high) / 2 : of.mean
}

export const meanWait = (of: Waits): number => (typeof of === "number" ? of : isTable(of) ? meanOf(of) : of.mean)
