/**
 * p-value of the two-sample Kolmogorov-Smirnov test (asymptotic, Stephens' correction for small samples): the probability of a
 * distance at least this large between two samples of one distribution. Values that agree to 1e-9 count as equal.
 */
import { isClose } from "../support/Assertions.ts"

export const kolmogorovSmirnov = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const all = [
    ...a.map((value) => ({ value, step: 1 / a.length })),
    ...b.map((value) => ({ value, step: -1 / b.length }))
  ].toSorted((x, y) => x.value - y.value)
  let distance = 0
  let gap = 0
  all.forEach(({ step, value }, i) => {
    gap += step
    const next = all[i + 1]
    if (next === undefined || !isClose(next.value, value)) distance = Math.max(distance, Math.abs(gap))
  })
  const root = Math.sqrt((a.length * b.length) / (a.length + b.length))
  const lambda = (root + 0.12 + 0.11 / root) * distance
  if (lambda < 0.2) return 1
  let p = 0
  for (let k = 1; k <= 100; k++) p += 2 * (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * (k * lambda) ** 2)
  return Math.min(1, p)
}
