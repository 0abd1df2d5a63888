/** A column of a table that is written to files: its name, what its values are, and where a row has them. */

/** How files name a column, and what they know of it. Every column may be empty. */
export interface ColumnHead {
  readonly name: string
  /** `integer` and `number` are JSON numbers, whole or not. */
  readonly type: "integer" | "number" | "text"
}

interface NumberColumn<Row> extends ColumnHead {
  readonly type: "integer" | "number"
  readonly of: (row: Row) => number | null
}

interface TextColumn<Row> extends ColumnHead {
  readonly type: "text"
  readonly of: (row: Row) => string | null
}

/** Where it is empty a row has `null`. */
export type Column<Row> = NumberColumn<Row> | TextColumn<Row>
