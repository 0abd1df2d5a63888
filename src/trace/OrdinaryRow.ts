/**
 * Rows of ordinary `mooncake` lines, straight from what `JSON.parse` makes of them.
 *
 *     {"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, 2353]}
 *
 * Ordinary is: the fields above, perhaps `session_id` and `delay`, no other and none twice; whole numbers written as such, and ids of 32 bits.
 * Everything else, whether it can be used or not, is left to the strict reader, which alone refuses lines and says why. So what is
 * read here must be a row there, and the same row. Native code looks at every byte; what is left to do is a loop over the ids.
 */
import { maxTimeMs } from "./FieldSchemas.ts"
import { countColons, hasExponent, isJsonObject } from "./JsonLine.ts"
import { type RowReading, timeUnitsMs } from "./MooncakeFields.ts"
import type { MooncakeRow } from "./MooncakeRow.ts"

const isCount = (value: unknown): value is number => typeof value === "number" && (value | 0) === value && value >= 0

const isTime = (value: unknown, most: number): value is number => typeof value === "number" && Math.abs(value) <= most

const isNarrowList = (value: unknown): value is ReadonlyArray<number> => {
  if (!Array.isArray(value)) return false
  for (let i = 0; i < value.length; i++) if (value[i] >>> 0 !== value[i]) return false
  return true
}

const countPoints = (text: string): number => {
  let points = 0
  for (let at = text.indexOf("."); at >= 0; at = text.indexOf(".", at + 1)) points++
  return points
}

/**
 * Whether the text has no key twice and only times with a fraction: every key needs a colon, and a fraction, where there are no exponents, a
 * point.
 */
const isWrittenPlainly = (text: string, keys: number, fractions: number): boolean =>
  countColons(text) === keys && countPoints(text) === fractions && !hasExponent(text, "e") && !hasExponent(text, "E")

const given = (value: unknown): number => (value === undefined ? 0 : 1)
const fractional = (value: number | undefined): number => (value === undefined || Number.isInteger(value) ? 0 : 1)

/** Makes the rows of ordinary lines; `undefined` for any other line. */
export const ordinaryRows = ({ timeUnit = "ms", traceBlockTokens }: RowReading) => {
  const unitMs = timeUnitsMs[timeUnit]
  const mostTime = maxTimeMs / unitMs
  return (object: unknown, text: string, line: number): MooncakeRow | undefined => {
    if (!isJsonObject(object)) return undefined
    const { delay, hash_ids: hashIds, input_length: stated, output_length: outputTokens, timestamp } = object
    const { session_id: sessionId } = object
    if (!isCount(stated) || !isCount(outputTokens) || outputTokens < 1 || !isNarrowList(hashIds)) return undefined
    if (timestamp !== undefined && !isTime(timestamp, mostTime)) return undefined
    if (delay !== undefined && !isTime(delay, mostTime)) return undefined
    if (sessionId !== undefined && typeof sessionId !== "string") return undefined
    const keys = 3 + given(timestamp) + given(delay) + given(sessionId)
    if (Object.keys(object).length !== keys) return undefined
    if (!isWrittenPlainly(text, keys, fractional(timestamp) + fractional(delay))) return undefined
    const capacityTokens = hashIds.length * traceBlockTokens
    return {
      line,
      promptTokens: Math.min(stated, capacityTokens),
      outputTokens,
      hashIds,
      outputTokenIds: undefined,
      timestampMs: timestamp === undefined ? undefined : timestamp * unitMs,
      sessionId,
      delayMs: delay === undefined ? undefined : delay * unitMs,
      requestId: undefined,
      priority: 0,
      strictPriority: 0,
      policyClass: undefined,
      className: undefined,
      statedTokens: stated,
      clamped: stated > capacityTokens
    }
  }
}
