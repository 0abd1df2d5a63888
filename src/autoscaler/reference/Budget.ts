/**
 * How many workers the reference's planner may have in all: bounds on the sum over pools, every worker counted as one GPU.
 *
 * A total within the bounds stays; where both bounds are set it may lie one below the lower one.
 */

export interface Budget {
  /** Negative: no bound. */
  readonly most: number
  readonly fewest: number
  /** Floor of every pool. */
  readonly perPool: number
}

const isAbove = ({ most }: Budget, total: number): boolean => most >= 0 && total > most

const isBelow = ({ fewest, most }: Budget, total: number): boolean =>
  fewest >= 0 && total < fewest - (most >= 0 ? 1 : 0)

export const clampOne = (budget: Budget, workers: number): number => {
  if (isAbove(budget, workers)) return Math.max(budget.perPool, budget.most)
  return isBelow(budget, workers) ? Math.max(budget.perPool, budget.fewest) : workers
}

/** Both pools shrink or grow in proportion. */
export const clampTwo = (
  budget: Budget,
  prefill: number,
  decode: number
): readonly [prefill: number, decode: number] => {
  const { fewest, most, perPool } = budget
  const total = prefill + decode
  if (isAbove(budget, total)) {
    const left = Math.max(perPool, Math.min(most - perPool, Math.floor(prefill * (most / total))))
    return [left, Math.max(perPool, most - left)]
  }
  if (!isBelow(budget, total)) return [prefill, decode]
  const left = Math.max(perPool, Math.ceil(total === 0 ? fewest / 2 : prefill * (fewest / total)))
  const right = Math.max(perPool, Math.max(0, fewest - left))
  return isAbove(budget, left + right) ? [prefill, decode] : [left, right]
}
