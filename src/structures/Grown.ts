/**
 * Growth of typed arrays that hold one column each: a longer copy, the rest 0.
 *
 * Doubling makes the cost of growth constant per element. Not for inner loops: it takes arrays of every type.
 */
type Column = Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array | BigUint64Array

export function grown(column: Int32Array, length?: number): Int32Array<ArrayBuffer>
export function grown(column: Uint32Array, length?: number): Uint32Array<ArrayBuffer>
export function grown(column: Uint8Array, length?: number): Uint8Array<ArrayBuffer>
export function grown(column: Float64Array, length?: number): Float64Array<ArrayBuffer>
export function grown(column: BigUint64Array, length?: number): BigUint64Array<ArrayBuffer>
export function grown(column: Column, length: number = column.length * 2): Column {
  if (column instanceof BigUint64Array) {
    const larger = new BigUint64Array(length)
    larger.set(column)
    return larger
  }
  const larger = emptyLike(column, length)
  larger.set(column)
  return larger
}

const emptyLike = (column: Exclude<Column, BigUint64Array>, length: number): Exclude<Column, BigUint64Array> => {
  if (column instanceof Int32Array) return new Int32Array(length)
  if (column instanceof Uint32Array) return new Uint32Array(length)
  if (column instanceof Float64Array) return new Float64Array(length)
  return new Uint8Array(length)
}
