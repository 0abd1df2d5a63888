/**
 * The binary table files under data/aic/tables: magic, header length, JSON header, then one Brotli stream per section
 * holding its latencies (float64) and its key columns (int32), little endian. A section is unpacked when it is first
 * asked for.
 */
import { brotliDecompressSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AicError } from "./AicError.ts"
import { missingSection, type PerfTables, type RowTable } from "./PerfTables.ts"

const magic = "DYNAIC01"
const magicBytes = magic.length

const Section = Schema.Struct({
  name: Schema.String,
  columns: Schema.Array(Schema.String),
  rows: Schema.Int,
  offset: Schema.Int,
  bytes: Schema.Int
})
type Section = typeof Section.Type

const Header = Schema.fromJsonString(
  Schema.Struct({
    source: Schema.Struct({
      system: Schema.String,
      backend: Schema.String,
      backendVersion: Schema.String,
      ncclVersion: Schema.String
    }),
    sections: Schema.Array(Section)
  })
)
const decodeHeader = Schema.decodeUnknownSync(Header)

const unpack = (section: Section, packed: Uint8Array): RowTable => {
  const bytes = brotliDecompressSync(packed)
  const { rows } = section
  const expected = rows * (8 + 4 * section.columns.length)
  if (bytes.byteLength !== expected) {
    throw new Error(`section '${section.name}' holds ${bytes.byteLength} bytes instead of ${expected}`)
  }
  // A Node buffer may start anywhere in a pooled block, but typed arrays need alignment.
  const aligned = new Uint8Array(bytes).buffer
  const columns: Record<string, Int32Array> = {}
  section.columns.forEach((name, index) => {
    columns[name] = new Int32Array(aligned, rows * (8 + 4 * index), rows)
  })
  return { rows, columns, latencyMs: new Float64Array(aligned, 0, rows) }
}

const open = (bytes: Uint8Array, label: string): PerfTables => {
  const text = new TextDecoder()
  if (text.decode(bytes.subarray(0, magicBytes)) !== magic) throw new Error("not a table file of this version")
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(magicBytes, true)
  const headerEnd = magicBytes + 4 + headerBytes
  const { sections } = decodeHeader(text.decode(bytes.subarray(magicBytes + 4, headerEnd)))
  const byName = new Map(sections.map((section) => [section.name, section]))
  const unpacked = new Map<string, RowTable>()
  const load = (section: Section): RowTable => {
    const start = headerEnd + section.offset
    const table = unpack(section, bytes.subarray(start, start + section.bytes))
    unpacked.set(section.name, table)
    return table
  }
  const sectionNames = [...byName.keys()]
  return {
    label,
    sectionNames,
    section: (name) => {
      const known = byName.get(name)
      if (known === undefined) return Effect.fail(missingSection(label, sectionNames, name))
      return Effect.try({ try: () => unpacked.get(name) ?? load(known), catch: (cause) => broken(label, cause) })
    }
  }
}

const broken = (label: string, cause: unknown): AicError =>
  new AicError({
    where: label,
    problem: `cannot read the performance tables: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "reinstall the package"
  })

/** Opens a table file; `label` names it in errors. */
export const openTableFile = (bytes: Uint8Array, label: string): Effect.Effect<PerfTables, AicError> =>
  Effect.try({ try: () => open(bytes, label), catch: (cause) => broken(label, cause) })
