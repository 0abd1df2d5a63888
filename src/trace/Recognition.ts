/**
 * What a file is that cannot be read as it was asked for: told from its first bytes or its first line, with the next step.
 */
import { isJsonObject } from "./JsonLine.ts"

const startsWith = (bytes: Uint8Array, start: ReadonlyArray<number>): boolean =>
  start.every((byte, index) => bytes[index] === byte)

const ascii = (text: string): ReadonlyArray<number> => Array.from(text, (character) => character.charCodeAt(0))

/** Magic numbers of files that are no text, and what to do with them. */
const magicNumbers: ReadonlyArray<readonly [start: ReadonlyArray<number>, what: string, remedy: string]> = [
  [ascii("PAR1"), "a Parquet file", "only text is read: write it as JSON Lines first"],
  [[0x50, 0x4b, 3, 4], "a zip archive", "unpack it and give the file inside"],
  [[0xfd, ...ascii("7zXZ")], "compressed by xz", "decompress it with xz -d, or use gzip or Zstandard"],
  [ascii("BZh"), "compressed by bzip2", "decompress it with bzip2 -d, or use gzip or Zstandard"],
  [[4, 0x22, 0x4d, 0x18], "compressed by lz4", "decompress it with lz4 -d, or use gzip or Zstandard"],
  [[0xff, 0xfe], "UTF-16 text", "save it as UTF-8"],
  [[0xfe, 0xff], "UTF-16 text", "save it as UTF-8"]
]

/** What the first bytes of a file, as stored, say that it is instead of a trace; nothing when it may be one. */
export const binaryKind = (bytes: Uint8Array): string | undefined => {
  const found = magicNumbers.find(([start]) => startsWith(bytes, start))
  return found === undefined ? undefined : `it is ${found[1]}; ${found[2]}`
}

const has = (names: ReadonlySet<string>, ...wanted: ReadonlyArray<string>): boolean =>
  wanted.every((name) => names.has(name))

/** Traces that are published as CSV, by their columns in lower case. */
const csvTraces: ReadonlyArray<readonly [columns: ReadonlyArray<string>, what: string]> = [
  [["timestamp", "contexttokens", "generatedtokens"], "an Azure LLM inference trace"],
  [["timestamp", "request tokens", "response tokens"], "a BurstGPT trace"],
  [["arrived_at", "num_prefill_tokens", "num_decode_tokens"], "a Vidur trace"],
  [["arrival_timestamp", "prompt_size", "token_size"], "a splitwise trace"]
]

const csvKind = (line: string): string | undefined => {
  const columns = line.split(",").map((column) => column.trim().replaceAll('"', ""))
  if (columns.length < 2 || columns.some((column) => column === "" || column.length > 60)) return undefined
  const names = new Set(columns.map((column) => column.toLowerCase()))
  const known = csvTraces.find(([wanted]) => has(names, ...wanted))
  return (
    `it looks like a CSV file with the columns ${columns.slice(0, 12).join(", ")}`
    + `${known === undefined ? "" : ` (${known[1]})`}; only JSON Lines are read`
  )
}

/** What objects are that are no requests of the formats read here, by their keys. */
const objectKind = (keys: ReadonlySet<string>): string | undefined => {
  if (has(keys, "requests", "block_size")) return "it holds a whole conversation per line, under requests (Weka)"
  if (has(keys, "input_tokens_total", "newly_append_tokens")) return "it looks like TraceLab rows"
  if (keys.has("resourceSpans")) return "it holds OpenTelemetry spans (OTLP)"
  for (const key of ["text_input", "messages", "payload", "conversations", "prompt"]) {
    if (keys.has(key)) return `it holds the text of prompts (${key}), whose tokens nobody has counted`
  }
  if (!keys.has("hash_ids") && (keys.has("input_length") || keys.has("input_tokens"))) {
    return "its rows have no hash_ids, so which prompts share content is not known; give each prompt ids of its own"
  }
  return undefined
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** What the first line of a text that could not be read says that it is; nothing when it tells nothing. */
export const textKind = (line: string): string | undefined => {
  const text = line.trim()
  if (text.startsWith("version https://git-lfs.")) {
    return "it is a Git LFS pointer, not the file itself; fetch the file with git lfs pull"
  }
  if (/^<(!doctype|html|\?xml|head)/i.test(text)) return "it is an HTML or XML page; download the file itself"
  if (text.startsWith("[")) {
    return "it is a JSON array; write one object per line, for instance with jq -c '.[]'"
  }
  const value = parsed(text)
  if (isJsonObject(value)) return objectKind(new Set(Object.keys(value)))
  if (text === "{" || (text.startsWith("{") && !text.endsWith("}"))) {
    return "it is JSON over several lines, or cut off; write one object per line, for instance with jq -c ."
  }
  return text.startsWith("{") ? undefined : csvKind(text)
}
