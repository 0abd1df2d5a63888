/** Which column of a table holds what, where its names are nobody's standard. */
export const columnFields = ["timestamp", "input_length", "output_length", "session_id", "class"] as const
export type ColumnField = (typeof columnFields)[number]

/** Column by field. */
export type TraceColumns = Readonly<Partial<Record<ColumnField, string>>>

const isField = (name: string): name is ColumnField => columnFields.some((field) => field === name)

/** Reads words of the form `field=Column`; a text says what is wrong with them. */
export const traceColumnsOf = (words: ReadonlyArray<string>): TraceColumns | string => {
  const columns: Partial<Record<ColumnField, string>> = {}
  for (const word of words) {
    const equals = word.indexOf("=")
    const field = word.slice(0, Math.max(0, equals)).trim()
    const column = word.slice(equals + 1).trim()
    if (!isField(field) || column === "") {
      return `expected FIELD=COLUMN with a field of ${columnFields.join(", ")}, got ${JSON.stringify(word)}`
    }
    if (columns[field] !== undefined) return `${field} is given twice`
    columns[field] = column
  }
  if (columns.input_length === undefined || columns.output_length === undefined) {
    return "needs a column for input_length and one for output_length"
  }
  return columns
}
