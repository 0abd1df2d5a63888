/**
 * NumPy's `.npy` format for arrays of 64-bit floats: versions 1 to 3, C and Fortran order, little endian.
 *
 * Other number types are refused rather than converted, as the reference does: a profile with another type was not
 * written by the profiler.
 */
import * as Result from "effect/Result"

export interface NpyArray {
  readonly shape: ReadonlyArray<number>
  /** Elements in C order. */
  readonly values: Float64Array
}

interface Header {
  readonly dtype: string
  readonly fortranOrder: boolean
  readonly shape: ReadonlyArray<number>
  /** Offset of the first element. */
  readonly dataStart: number
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const elementBytes = 8

const parseShape = (text: string): ReadonlyArray<number> | undefined => {
  const sizes = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
  return sizes.every((size) => /^\d+$/.test(size)) ? sizes.map(Number) : undefined
}

const readHeader = (bytes: Uint8Array): Result.Result<Header, string> => {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) return Result.fail("not a .npy array")
  const major = bytes[6]!
  if (major < 1 || major > 3) return Result.fail(`.npy version ${major} is not known`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const textStart = major === 1 ? 10 : 12
  if (bytes.length < textStart) return Result.fail("the .npy header is cut off")
  const dataStart = textStart + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true))
  if (dataStart > bytes.length) return Result.fail("the .npy header is cut off")
  const text = new TextDecoder().decode(bytes.subarray(textStart, dataStart))
  const dtype = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const shape = parseShape(/'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1] ?? "-")
  if (dtype === undefined || order === undefined || shape === undefined) {
    return Result.fail("the .npy header does not describe a plain array")
  }
  return Result.succeed({ dtype, fortranOrder: order === "True", shape, dataStart })
}

/** Elements of a Fortran-ordered matrix in C order; other arrays have but one order. */
const toRowMajor = (values: Float64Array, shape: ReadonlyArray<number>): Float64Array => {
  const [rows, columns] = shape
  if (shape.length !== 2 || rows === undefined || columns === undefined) return values
  return Float64Array.from(values, (_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!)
}

/** Reads an array of one or two dimensions; fails with what is wrong with it. */
export const readNpy = (bytes: Uint8Array): Result.Result<NpyArray, string> =>
  Result.flatMap(readHeader(bytes), ({ dataStart, dtype, fortranOrder, shape }) => {
    if (dtype !== "<f8") return Result.fail(`must hold float64 numbers ('<f8'), holds '${dtype}'`)
    if (shape.length < 1 || shape.length > 2) return Result.fail(`must have 1 or 2 dimensions, has ${shape.length}`)
    const count = shape.reduce((product, size) => product * size, 1)
    const dataBytes = bytes.length - dataStart
    if (dataBytes !== count * elementBytes) {
      const needed = count * elementBytes
      return Result.fail(`holds ${dataBytes} bytes of numbers where its shape (${shape.join(", ")}) needs ${needed}`)
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart, dataBytes)
    const stored = Float64Array.from({ length: count }, (_, i) => view.getFloat64(i * elementBytes, true))
    return Result.succeed({ shape, values: fortranOrder ? toRowMajor(stored, shape) : stored })
  })
