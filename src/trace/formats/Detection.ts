/** Which format a file has, told by its content. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isJsonObject } from "../JsonLine.ts"
import { parsedJson } from "../../settings/LooseJson.ts"
import { lineBatches } from "../LineReader.ts"
import { isParquet, objectLikeness, tableLikeness, textKind, type Likeness } from "../Recognition.ts"
import { TraceError } from "../TraceError.ts"
import { decodedContent, openStoredFile } from "../TraceFile.ts"
import { csvTable } from "./table/CsvTable.ts"
import { parquetTable } from "./table/ParquetTable.ts"
import { isVllmLogLine } from "./VllmLog.ts"

/** Rows looked at: the first ones of a graph may wait for nothing. */
const looksAt = 1000

/** The likeness of the first row, unless a later one says more. */
const rowsLikeness = (texts: ReadonlyArray<string>): Likeness | undefined => {
  const likenesses = texts.flatMap((text) => {
    const value = parsedJson(text)
    return (isJsonObject(value) ? objectLikeness(value) : undefined) ?? []
  })
  const ofFormat = (name: string): Likeness | undefined => likenesses.find(({ format }) => format === name)
  const [first] = likenesses
  return first?.format === "mooncake" ? (ofFormat("agentic_mooncake") ?? ofFormat("aiperf") ?? first) : first
}

/** JSON over several lines, or a list: by the keys in its beginning. */
const documentLikeness = (texts: ReadonlyArray<string>): Likeness | undefined => {
  const text = texts.join("\n").slice(0, 1 << 16)
  if (text.includes('"resourceSpans"')) return { format: "otel", what: "OpenTelemetry spans (OTLP), as a document" }
  return text.includes('"block_size"') || text.includes('"hash_id_scope"')
    ? { format: "weka", what: "whole conversations (Weka), as a document" }
    : undefined
}

const fileLikeness = Effect.fnUntraced(function* (file: string) {
  const stored = yield* openStoredFile(file)
  if (isParquet(stored.start)) {
    const { columns, kind } = yield* parquetTable(stored.path, file)
    return tableLikeness(kind, columns)
  }
  // Only looked into: who hashes the file wants to see it when it is read.
  const lines = lineBatches(yield* decodedContent(stored), file)
  const head = yield* Stream.runHead(Stream.filter(lines, ({ texts }) => texts.some((text) => text.trim() !== "")))
  const texts = Option.match(head, {
    onNone: (): ReadonlyArray<string> => [],
    onSome: ({ texts: found }) => found.filter((text) => text.trim() !== "").slice(0, looksAt)
  })
  const first = texts[0]?.trim()
  if (first === undefined) {
    return yield* new TraceError({ file, problem: "holds no requests" })
  }
  if (texts.some(isVllmLogLine)) return { format: "vllm-log", what: "a log of vLLM" } as const
  if (isJsonObject(parsedJson(first))) return rowsLikeness(texts)
  if (/^(version https:\/\/git-lfs|<)/.test(first)) return yield* unreadable(file, first)
  if (first.startsWith("{") || first.startsWith("[")) return documentLikeness(texts) ?? (yield* unreadable(file, first))
  const { columns } = yield* csvTable(lines, file)
  if (columns.length > 1) return tableLikeness("CSV", columns)
  return yield* unreadable(file, first)
})

const unreadable = (file: string, first: string): Effect.Effect<undefined, TraceError> => {
  const kind = textKind(first)
  return kind === undefined
    ? Effect.succeed(undefined)
    : Effect.fail(new TraceError({ file, problem: `cannot be read: ${kind}` }))
}

/** What a file is; fails when nothing that is known. */
export const detectFormat = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fs.stat(file))
  if (file !== "-" && info._tag === "Some" && info.value.type === "Directory") {
    return { format: "weka", what: "a folder of conversations (Weka)" }
  }
  const likeness = yield* fileLikeness(file)
  if (likeness?.format !== undefined) return { format: likeness.format, what: likeness.what }
  const what = likeness === undefined ? "nothing that is known" : likeness.what
  return yield* new TraceError({ file, problem: `looks like ${what}; say what it is with --trace-format` })
})
