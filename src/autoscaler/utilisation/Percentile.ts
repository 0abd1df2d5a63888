/** Percentiles of what was measured in a window, by nearest rank. */

export interface Weighted {
  readonly value: number
  /** How often it occurred. */
  readonly weight: number
}

/** The smallest value that `percent` of the occurrences do not exceed; `undefined` of nothing. */
export const percentile = (samples: ReadonlyArray<Weighted>, percent: number): number | undefined => {
  const total = samples.reduce((sum, { weight }) => sum + weight, 0)
  let left = (percent / 100) * total
  const ordered = samples.toSorted((a, b) => a.value - b.value)
  // Rounding must not push the rank beyond what is there.
  return ordered.find(({ weight }) => (left -= weight) <= 1e-9 * total)?.value
}
