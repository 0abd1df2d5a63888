/** Which request of one side is which of the other: by id, by session and turn, or by order where nothing speaks against it. */
import type { Measurement, RequestSample } from "./Measurement.ts"
import { counted } from "../settings/Counted.ts"

export type Pair = readonly [reference: RequestSample, other: RequestSample]

export interface Matching {
  /** How pairs were found, or why there are none. */
  readonly by: string
  /** In the order in which the reference's requests started. */
  readonly pairs: ReadonlyArray<Pair>
}

type Key = (request: RequestSample) => string | undefined

const keys: ReadonlyArray<readonly [string, Key]> = [
  ["request id", ({ id }) => id],
  ["session and turn", ({ turn }) => turn]
]

export const match = (reference: Measurement, other: Measurement): Matching => {
  const [left, right] = [reference.requests, other.requests]
  if (left.length === 0 || right.length === 0) {
    return {
      by: `not matched: ${left.length === 0 ? reference.name : other.name} does not tell its requests`,
      pairs: []
    }
  }
  const enough = Math.min(left.length, right.length) / 2
  for (const [by, key] of keys) {
    const pairs = pairsBy(left, right, key)
    if (pairs.length >= enough) return { by, pairs }
  }
  return byOrder(left, right)
}

/** Keys that a side uses twice match nothing. */
const pairsBy = (
  left: ReadonlyArray<RequestSample>,
  right: ReadonlyArray<RequestSample>,
  key: Key
): ReadonlyArray<Pair> => {
  const [ours, theirs] = [byKey(left, key), byKey(right, key)]
  return [...ours].flatMap(([name, request]) => {
    const partner = theirs.get(name)
    return request === undefined || partner === undefined ? [] : [[request, partner] as const]
  })
}

const byKey = (requests: ReadonlyArray<RequestSample>, key: Key): ReadonlyMap<string, RequestSample | undefined> => {
  const found = new Map<string, RequestSample | undefined>()
  for (const request of requests) {
    const name = key(request)
    if (name !== undefined) found.set(name, found.has(name) ? undefined : request)
  }
  return found
}

/** Prompts of one text differ a little between tokenisers and chat templates. */
const alike = ([{ inputTokens: left }, { inputTokens: right }]: Pair): boolean =>
  Number.isNaN(left) || Number.isNaN(right) || Math.abs(left - right) <= Math.max(64, 0.05 * Math.max(left, right))

const byOrder = (left: ReadonlyArray<RequestSample>, right: ReadonlyArray<RequestSample>): Matching => {
  if (left.length !== right.length) {
    return {
      by: `not matched: no common ids, and ${counted(left.length, "request")} against ${right.length}`,
      pairs: []
    }
  }
  const pairs = left.flatMap((request, index) => {
    const partner = right[index]
    return partner === undefined ? [] : [[request, partner] as const]
  })
  const different = pairs.filter((pair) => !alike(pair)).length
  return different > pairs.length / 20
    ? { by: `not matched: no common ids, and in order of start ${different} prompts differ in length`, pairs: [] }
    : { by: "order of start", pairs }
}
