/**
 * Ordinary least squares with an intercept, by the normal equations: Gauss-Jordan elimination with partial pivoting. Where the
 * equations are singular the slopes are held down a little (ridge) and it is tried again.
 */

/** Smallest pivot that counts as one. */
const smallestPivot = 1e-12
const ridge = 1e-9

/** Coefficients of 1, x1, x2, …; `undefined` when nothing fits. */
export const leastSquares = (
  xs: ReadonlyArray<ReadonlyArray<number>>,
  ys: ReadonlyArray<number>
): ReadonlyArray<number> | undefined => {
  const size = (xs[0]?.length ?? 0) + 1
  const rows = Array.from({ length: size }, () => Array.from({ length: size + 1 }, () => 0))
  xs.forEach((x, sample) => {
    const terms = [1, ...x]
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) rows[row]![column]! += terms[row]! * terms[column]!
      rows[row]![size]! += terms[row]! * ys[sample]!
    }
  })
  return solve(rows) ?? solve(heldDown(rows))
}

const heldDown = (rows: ReadonlyArray<ReadonlyArray<number>>): Array<Array<number>> => {
  const scale = rows.reduce((sum, row, index) => sum + Math.abs(row[index]!), 0)
  const added = ridge * Math.max(1, scale)
  return rows.map((row, index) => row.map((value, column) => (index > 0 && index === column ? value + added : value)))
}

/** Solves a square system given as rows with their right side. */
const solve = (given: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> | undefined => {
  const rows = given.map((row) => [...row])
  for (let column = 0; column < rows.length; column++) {
    let best = column
    for (let row = column + 1; row < rows.length; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[best]![column]!)) best = row
    }
    const pivotRow = rows[best]!
    const pivot = pivotRow[column]!
    if (Math.abs(pivot) < smallestPivot) return undefined
    rows[best] = rows[column]!
    rows[column] = pivotRow.map((value) => value / pivot)
    eliminate(rows, column)
  }
  return rows.map((row) => row[rows.length]!)
}

const eliminate = (rows: Array<Array<number>>, column: number): void => {
  const pivotRow = rows[column]!
  for (let row = 0; row < rows.length; row++) {
    const factor = rows[row]![column]!
    if (row === column || factor === 0) continue
    rows[row] = rows[row]!.map((value, at) => value - factor * pivotRow[at]!)
  }
}
