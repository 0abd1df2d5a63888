/** The forms in which outputs are written, and the endings of names that speak of another one. */

/** What the known endings of names say is in a file. */
const said: ReadonlyMap<string, string> = new Map([
  ["json", "JSON"],
  ["jsonl", "JSON Lines"],
  ["ndjson", "JSON Lines"],
  ["csv", "CSV"],
  ["tsv", "tab-separated values"],
  ["parquet", "Parquet"],
  ["yaml", "YAML"],
  ["yml", "YAML"],
  ["html", "HTML"],
  ["htm", "HTML"],
  ["gz", "gzip"],
  ["zst", "Zstandard"],
  ["bz2", "bzip2"],
  ["xz", "xz"],
  ["zip", "a ZIP archive"]
])

interface Form {
  /** What is written. */
  readonly name: string
  /** Of the known endings, those that say so. */
  readonly endings: ReadonlyArray<string>
  /** Those to recommend. */
  readonly advice: string
  /** Whether a further `.gz` has it compressed. */
  readonly compresses?: true
}

// Collections name lines of JSON .json as well; and JSON is YAML.
const forms = {
  json: { name: "JSON", endings: ["json"], advice: ".json" },
  settings: { name: "JSON", endings: ["json", "yaml", "yml"], advice: ".json" },
  workload: { name: "YAML", endings: ["yaml", "yml", "json"], advice: ".yaml, or .json for JSON" },
  csv: { name: "CSV", endings: ["csv"], advice: ".csv" },
  parquet: { name: "Parquet", endings: ["parquet"], advice: ".parquet" },
  html: { name: "HTML", endings: ["html", "htm"], advice: ".html" },
  jsonLines: { name: "JSON Lines", endings: ["jsonl", "ndjson", "json"], advice: ".jsonl" },
  trace: {
    name: "JSON Lines",
    endings: ["jsonl", "ndjson", "json"],
    advice: ".jsonl, or .jsonl.gz to compress it",
    compresses: true
  },
  table: {
    name: "JSON Lines",
    endings: ["csv", "jsonl", "ndjson", "json", "parquet"],
    advice: ".jsonl, .csv or .parquet"
  }
} as const satisfies Readonly<Record<string, Form>>

export type OutputForm = keyof typeof forms

/** Whether a name asks for compression. */
export const isGzipName = (path: string): boolean => /\.gz$/i.test(path)

const endingOf = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ""

/** Where the ending of a name is known and says something else than an output of this form is: what is wrong, and what to do. */
export const endingProblem = (path: string, form: OutputForm): { problem: string; hint: string } | undefined => {
  const { advice, compresses, endings, name }: Form = forms[form]
  const ending = endingOf(compresses === true && isGzipName(path) ? path.slice(0, -".gz".length) : path)
  const other = said.get(ending)
  if (other === undefined || endings.includes(ending)) return undefined
  return {
    problem: `${path} is named like ${other}, but what is written is ${name}`,
    hint: `let the name end in ${advice}`
  }
}
