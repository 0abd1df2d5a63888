/**
 * What a file is that cannot be read as it was asked for: told from its first bytes or its first line, with the next step.
 */
import { isJsonObject, type JsonObject } from "./JsonLine.ts"
import { parsedJson } from "../settings/LooseJson.ts"

const startsWith = (bytes: Uint8Array, start: ReadonlyArray<number>): boolean =>
  start.every((byte, index) => bytes[index] === byte)

const ascii = (text: string): ReadonlyArray<number> => Array.from(text, (character) => character.charCodeAt(0))

/** Magic numbers of files that are no text, and what to do with them. */
const magicNumbers: ReadonlyArray<readonly [start: ReadonlyArray<number>, what: string, remedy: string]> = [
  [ascii("PAR1"), "a Parquet file", "read its columns with --trace-format auto, or with --column"],
  [[0x50, 0x4b, 3, 4], "a zip archive", "unpack it and give the file inside"],
  [[0xfd, ...ascii("7zXZ")], "compressed by xz", "decompress it with xz -d, or use gzip or Zstandard"],
  [ascii("BZh"), "compressed by bzip2", "decompress it with bzip2 -d, or use gzip or Zstandard"],
  [[4, 0x22, 0x4d, 0x18], "compressed by lz4", "decompress it with lz4 -d, or use gzip or Zstandard"],
  [[0xff, 0xfe], "UTF-16 text", "save it as UTF-8"],
  [[0xfe, 0xff], "UTF-16 text", "save it as UTF-8"]
]

export const isParquet = (bytes: Uint8Array): boolean => startsWith(bytes, ascii("PAR1"))

/** What the first bytes of a file, as stored, say that it is instead of a trace; nothing when it may be one. */
export const binaryKind = (bytes: Uint8Array): string | undefined => {
  const found = magicNumbers.find(([start]) => startsWith(bytes, start))
  return found === undefined ? undefined : `it is ${found[1]}; ${found[2]}`
}

const has = (names: ReadonlySet<string>, ...wanted: ReadonlyArray<string>): boolean =>
  wanted.every((name) => names.has(name))

/** What a file looks like: the format that reads it, as far as there is one, and what tells so. */
export interface Likeness {
  readonly format: string | undefined
  readonly what: string
}

/** Tables of requests, by their columns in lower case. */
const knownTables: ReadonlyArray<readonly [columns: ReadonlyArray<string>, format: string, what: string]> = [
  [["contexttokens", "generatedtokens"], "azure", "an Azure LLM inference trace"],
  [["request tokens", "response tokens"], "burstgpt", "a BurstGPT trace"],
  [["num_prefill_tokens", "num_decode_tokens"], "vidur", "a Vidur trace"],
  [["prompt_size", "token_size"], "splitwise", "a splitwise trace"]
]

/** What a table with these columns is; other tables need to be told which column is which. */
export const tableLikeness = (kind: string, columns: ReadonlyArray<string>): Likeness => {
  const names = new Set(columns.map((column) => column.toLowerCase()))
  const known = knownTables.find(([wanted]) => has(names, ...wanted))
  const shown = `${kind} with the columns ${columns.slice(0, 12).join(", ")}`
  return known === undefined ? { format: "columns", what: shown } : { format: known[1], what: `${shown} (${known[2]})` }
}

const csvLikeness = (line: string): Likeness | undefined => {
  const columns = line.split(",").map((column) => column.trim().replaceAll('"', ""))
  const isHeader = columns.length > 1 && columns.every((column) => column !== "" && column.length <= 60)
  return isHeader ? tableLikeness("CSV", columns) : undefined
}

const hasUsage = (object: JsonObject): boolean => {
  const response = object["response"]
  return isJsonObject(object["usage"]) || (isJsonObject(response) && isJsonObject(response["usage"]))
}

/** Objects by the keys that only their format has, the surest first. */
const knownObjects: ReadonlyArray<readonly [is: (object: JsonObject) => boolean, format: string, what: string]> = [
  [(o) => "resourceSpans" in o, "otel", "OpenTelemetry spans (OTLP)"],
  [
    (o) => "schema" in o || (isJsonObject(o["event"]) && "schema" in o["event"]),
    "dynamo",
    "Dynamo request trace records"
  ],
  [(o) => "requests" in o && "block_size" in o, "weka", "whole conversations, with their requests (Weka)"],
  [(o) => "chat_id" in o && "parent_chat_id" in o, "bailian", "Bailian rows"],
  [(o) => "input_tokens_total" in o, "tracelab", "TraceLab rows"],
  [(o) => "num_turns" in o && "input_prompt_length" in o, "applied_compute_agentic", "sessions by their lengths"],
  [hasUsage, "usage", "responses with their usage"],
  [(o) => "wait_for" in o || "tool_wait_ms" in o, "agentic_mooncake", "rows that wait for each other"],
  [(o) => "hash_ids" in o && ("output_length" in o || "output_tokens" in o), "mooncake", "mooncake rows"],
  [
    (o) => ["input_length", "input_tokens", "text_input", "messages", "payload"].some((key) => key in o),
    "aiperf",
    "rows without hash_ids"
  ]
]

/** What an object is that is, or should be, a row. */
export const objectLikeness = (object: JsonObject): Likeness | undefined => {
  const known = knownObjects.find(([is]) => is(object))
  if (known !== undefined) return { format: known[1], what: known[2] }
  const text = ["conversations", "prompt", "text"].find((key) => key in object)
  return text === undefined
    ? undefined
    : { format: undefined, what: `the text of prompts (${text}), whose tokens nobody has counted` }
}

/** Rows of graphs that wait for nobody look like plain ones. */
const mayBe = (format: string | undefined, readAs: string | undefined): boolean =>
  format === readAs || (format === "mooncake" && readAs === "agentic_mooncake")

/** What the first line of a text that could not be read says that it is; nothing when that is what it was read as. */
export const textKind = (line: string, readAs?: string): string | undefined => {
  const text = line.trim()
  if (text.startsWith("version https://git-lfs.")) {
    return "it is a Git LFS pointer, not the file itself; fetch the file with git lfs pull"
  }
  if (/^<(!doctype|html|\?xml|head)/i.test(text)) return "it is an HTML or XML page; download the file itself"
  if (text.startsWith("[")) {
    return "it is a JSON array; write one object per line, for instance with jq -c '.[]'"
  }
  const value = parsedJson(text)
  if (isJsonObject(value)) {
    const likeness = objectLikeness(value)
    return mayBe(likeness?.format, readAs) ? undefined : likenessText(likeness)
  }
  if (text === "{" || (text.startsWith("{") && !text.endsWith("}"))) {
    return "it is JSON over several lines, or cut off; write one object per line, for instance with jq -c ."
  }
  return text.startsWith("{") ? undefined : likenessText(csvLikeness(text))
}

const likenessText = (likeness: Likeness | undefined): string | undefined => {
  if (likeness === undefined) return undefined
  const { format, what } = likeness
  if (format === undefined) return `it holds ${what}`
  if (format === "columns") return `it looks like ${what}: say which are which with --column`
  return `it looks like ${what}: give --trace-format ${format}`
}
