/**
 * Durations in whole nanoseconds, as the reference keeps them.
 *
 * A modelled time becomes the exact binary value of its seconds times 1e9, rounded half to even, and is read back as
 * whole seconds plus a fraction. The default timing coefficients have few decimals, so real token counts land
 * exactly on half a nanosecond: a product rounded in double precision picks the wrong neighbour, hence the error term.
 */

const nanosPerSecond = 1e9
/** 2^27 + 1 splits a double into two halves whose products are exact (Dekker 1971). */
const splitter = 134217729

/** `seconds * 1e9 - product`, exactly, where `product` is that product rounded to a double. */
const productError = (seconds: number, product: number): number => {
  const scaled = splitter * seconds
  const high = scaled - (scaled - seconds)
  const low = seconds - high
  // 1e9 = 2^9 * 1953125 has 21 significant bits, so both partial products are exact without splitting it.
  return high * nanosPerSecond - product + low * nanosPerSecond
}

/** The nearest whole number of nanoseconds, ties to even. `seconds` must be finite, >= 0 and below 9e6. */
export const nanosOfSeconds = (seconds: number): number => {
  const product = seconds * nanosPerSecond
  const floor = Math.floor(product)
  const fraction = product - floor
  if (fraction < 0.5) return floor
  if (fraction > 0.5) return floor + 1
  const error = productError(seconds, product)
  if (error > 0) return floor + 1
  if (error < 0) return floor
  return floor % 2 === 0 ? floor : floor + 1
}

/** Seconds of a whole number of nanoseconds, computed as whole seconds plus fraction. */
const secondsOfNanos = (nanos: number): number => {
  // The same result: below a second there are no whole ones to split off, and a remainder costs more than all the rest.
  if (nanos < nanosPerSecond) return nanos / nanosPerSecond
  const rest = nanos % nanosPerSecond
  return (nanos - rest) / nanosPerSecond + rest / nanosPerSecond
}

/** `seconds` quantised to whole nanoseconds and read back. */
export const quantiseSeconds = (seconds: number): number => secondsOfNanos(nanosOfSeconds(seconds))

/**
 * A modelled time of `ms`, quantised, sped up by `ratio` and quantised again; in ms.
 * A ratio <= 0 means unscaled.
 */
export const scaledDurationMs = (ms: number, ratio: number): number => {
  let seconds = quantiseSeconds(ms / 1000)
  if (ratio > 0 && seconds > 0 && ratio !== 1) seconds = quantiseSeconds(seconds / ratio)
  return seconds * 1000
}
