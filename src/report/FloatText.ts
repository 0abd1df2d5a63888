/**
 * Doubles as text, the way the reference writes them: shortest form that reads back the same, always recognisable as a
 * float. The report file comes from Python, the per-request lines from serde_json; they differ in small and in large numbers
 * from JavaScript and from each other.
 */

/** As Python's `repr`: `0.0`, `2.2e-05` below 1e-4, `1e+16` from 1e16 on. `value` is finite. */
export const pythonFloat = (value: number): string => {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2")
  }
  return positional(value)
}

/** As serde_json: `0.0`, `2.2e-6` below 1e-5, `1e+16` from 1e16 on. `value` is finite. */
export const serdeFloat = (value: number): string => {
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-5 || size >= 1e16) ? value.toExponential() : positional(value)
}

/** For 0 and sizes from 1e-6 up to 1e16, where JavaScript writes no exponent. */
const positional = (value: number): string => {
  if (!Number.isInteger(value)) return String(value)
  return Object.is(value, -0) ? "-0.0" : `${value}.0`
}
