/**
 * Columns of a run that is over, for the next one. Runs that follow each other grow their tables to the same lengths; new columns in each
 * are megabytes that the collector counts, and is called for.
 *
 *     run    lease ──▶ columns while `during` ──▶ end
 *      │                                           │ spare, until the next run has ended
 *     next   lease ◀───────────────────────────────┘
 *
 * A structure may take its columns here if it keeps them to itself, or shows them to nobody who outlives the run.
 */
type Column = Int32Array<ArrayBuffer>

/** Shorter ones are not worth looking for. */
const leastLength = 256

export class SpareColumns {
  private byLength = new Map<number, Array<Column>>()

  /** For one run. */
  lease(): ColumnLease {
    return new ColumnLease(this)
  }

  /** One of this length with whatever stands in it, if there is one. */
  take(length: number): Column | undefined {
    return this.byLength.get(length)?.pop()
  }

  /** These are spare now; those that the run which had them did not want are given up. */
  replace(columns: ReadonlyArray<Column>): void {
    this.byLength = new Map()
    for (const column of columns) {
      const same = this.byLength.get(column.length)
      if (same === undefined) this.byLength.set(column.length, [column])
      else same.push(column)
    }
  }
}

/** Columns with arbitrary numbers, for whoever writes before he reads. */
export interface ColumnSource {
  readonly fractions: (length: number) => Float64Array
  readonly counts: (length: number) => Uint32Array
}

export const newColumns: ColumnSource = {
  fractions: (length) => new Float64Array(length),
  counts: (length) => new Uint32Array(length)
}

/** A longer copy of a column, the rest arbitrary. */
export const moreFractions = (columns: ColumnSource, column: Float64Array, length: number): Float64Array => {
  const longer = columns.fractions(length)
  longer.set(column)
  return longer
}

/** As {@link moreFractions}. */
export const moreCounts = (columns: ColumnSource, column: Uint32Array, length: number): Uint32Array => {
  const longer = columns.counts(length)
  longer.set(column)
  return longer
}

/** What one run has of them. */
export class ColumnLease implements ColumnSource {
  private readonly spare: SpareColumns
  private columns: Array<Column> = []

  constructor(spare: SpareColumns) {
    this.spare = spare
  }

  /** A column that starts with `start` numbers of anything, and goes on with zeros. */
  column(length: number, start: number): Column {
    const column = this.spare.take(length)?.fill(0, start) ?? new Int32Array(length)
    this.columns.push(column)
    return column
  }

  fractions(length: number): Float64Array {
    return new Float64Array(this.column(2 * length, 2 * length).buffer)
  }

  counts(length: number): Uint32Array {
    return new Uint32Array(this.column(length, length).buffer)
  }

  /** The run is over: nobody reads its columns any more. */
  end(): void {
    this.spare.replace(this.columns)
    this.columns = []
  }
}

/** Of the run that is on, if it has one. */
let current: ColumnLease | undefined

/** Columns that are made while `body` runs are those of the lease. */
export const during = <A>(lease: ColumnLease, body: () => A): A => {
  const before = current
  current = lease
  try {
    return body()
  } finally {
    current = before
  }
}

/** A column of zeros. */
export const zeros = (length: number): Column => columnOf(length, 0)

/** A longer copy of a column, by default twice as long, the rest 0. */
export const regrown = (column: Int32Array, length: number = column.length * 2): Column => {
  const longer = columnOf(length, column.length)
  longer.set(column)
  return longer
}

const columnOf = (length: number, start: number): Column =>
  current === undefined || length < leastLength ? new Int32Array(length) : current.column(length, start)
