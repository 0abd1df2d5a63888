/**
 * Columns of numbers as text, small: quantised, each value as its difference from the one before where that helps, bytes of equal weight side
 * by side, deflated, in base64. The page undoes it (`tools/html/Unpack.mjs`).
 */
import * as Base64 from "effect/encoding/Base64"
import { deflateRawSync } from "../host/Node.ts"

export interface PackedColumn {
  /** Value = integer × step; the smallest integer stands for "none". */
  readonly step: number
  readonly deltas: boolean
  readonly data: string
}

const none = -(2 ** 31)
const largest = 2 ** 31 - 1

/** `NaN` is none. Values beyond 2^31 steps are kept with as many steps as fit. */
export const packColumn = (values: ArrayLike<number>, step: number, deltas = false): PackedColumn => {
  const fitting = Math.max(step, farthestOf(values) / largest)
  const integers = new Int32Array(values.length)
  for (let index = 0; index < integers.length; index++) {
    const value = values[index]!
    integers[index] = Number.isFinite(value) ? Math.round(value / fitting) : none
  }
  if (deltas) for (let index = integers.length - 1; index > 0; index--) integers[index]! -= integers[index - 1]!
  return { step: fitting, deltas, data: Base64.encode(deflateRawSync(bytePlanes(integers))) }
}

const farthestOf = (values: ArrayLike<number>): number => {
  let farthest = 0
  for (let index = 0; index < values.length; index++) {
    const distance = Math.abs(values[index]!)
    if (distance > farthest && distance < Number.POSITIVE_INFINITY) farthest = distance
  }
  return farthest
}

/** All lowest bytes, then all second ones, and so on: high bytes hardly differ and deflate to nothing. */
const bytePlanes = (integers: Int32Array): Uint8Array => {
  const { length } = integers
  const planes = new Uint8Array(4 * length)
  for (let index = 0; index < length; index++) {
    const value = integers[index]!
    for (let plane = 0; plane < 4; plane++) planes[plane * length + index] = (value >>> (8 * plane)) & 255
  }
  return planes
}
