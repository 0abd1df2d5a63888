/** NumPy's `.npy` format, written for tests. */
export interface NpyToWrite {
  readonly dtype?: string
  readonly fortranOrder?: boolean
  readonly shape: ReadonlyArray<number>
  /** Bytes of the elements as they are stored. */
  readonly data: Uint8Array
  readonly version?: 1 | 2 | 3
}

export const doubles = (values: ReadonlyArray<number>): Uint8Array => {
  const view = new DataView(new ArrayBuffer(values.length * 8))
  values.forEach((value, i) => view.setFloat64(i * 8, value, true))
  return new Uint8Array(view.buffer)
}

export const npy = ({ data, dtype = "<f8", fortranOrder = false, shape, version = 1 }: NpyToWrite): Uint8Array => {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ")
  const dict = `{'descr': '${dtype}', 'fortran_order': ${fortranOrder ? "True" : "False"}, 'shape': (${sizes}), }`
  const prefixBytes = version === 1 ? 10 : 12
  const headerBytes = Math.ceil((prefixBytes + dict.length + 1) / 64) * 64 - prefixBytes
  const bytes = new Uint8Array(prefixBytes + headerBytes + data.length)
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0])
  const view = new DataView(bytes.buffer)
  if (version === 1) view.setUint16(8, headerBytes, true)
  else view.setUint32(8, headerBytes, true)
  bytes.set(new TextEncoder().encode(`${dict.padEnd(headerBytes - 1)}\n`), prefixBytes)
  bytes.set(data, prefixBytes + headerBytes)
  return bytes
}
