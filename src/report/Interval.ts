/** Mean of repeated runs, and its 95 % confidence interval by Student's t distribution. */

/** The 97.5 % quantiles for 1 to 30 degrees of freedom. */
const quantiles = [
  12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139, 2.200985,
  2.178813, 2.160369, 2.144787, 2.13145, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963, 2.079614, 2.073873, 2.068658,
  2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.04523, 2.042272
]

/** Beyond the table by Cornish and Fisher's expansion, good to 1e-4 there. */
const quantile = (freedom: number): number => {
  const z = 1.959963985
  return (
    quantiles[freedom - 1]
    ?? z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
  )
}

/** Of equal values that value itself, which their sum may miss by a last digit: they have no interval. */
export const mean = (values: ReadonlyArray<number>): number => {
  const [first = 0] = values
  return values.every((value) => value === first)
    ? first
    : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** `undefined` for fewer than two values. */
export const halfWidth95 = (values: ReadonlyArray<number>): number | undefined => {
  const freedom = values.length - 1
  if (freedom < 1) return undefined
  const centre = mean(values)
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / freedom
  return quantile(freedom) * Math.sqrt(variance / values.length)
}
