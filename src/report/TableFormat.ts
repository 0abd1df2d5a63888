/** The forms in which tables of rows are written, by the ending of the file's name. */

export type TableFormat = "csv" | "jsonl" | "parquet"

const formats: ReadonlyMap<string, TableFormat> = new Map([
  ["csv", "csv"],
  ["jsonl", "jsonl"],
  ["ndjson", "jsonl"],
  ["parquet", "parquet"]
])

/** `undefined` where the name does not say one. */
export const tableFormatOf = (path: string): TableFormat | undefined =>
  formats.get(path.slice(path.lastIndexOf(".") + 1).toLowerCase())
