/** A column of a table that is written to files: its name, what its values are, and where a row has them. */

export type ColumnValue = number | string | null

export interface Column<Row> {
  readonly name: string
  /** `integer` and `number` are JSON numbers, whole or not; every column may be empty (`null`). */
  readonly type: "integer" | "number" | "text"
  readonly of: (row: Row) => ColumnValue
}
