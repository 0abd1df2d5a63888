/**
 * The binary table files under data/aic/tables and in the user's data folder: magic, header length, JSON header, then one
 * Brotli stream per section holding its latencies (float64) and its key columns (int32), little endian. A section is
 * unpacked, and its hash checked, when it is first asked for.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { brotliDecompressSync } from "../../host/Node.ts"
import { AicError } from "./AicError.ts"
import { missingSection, type PerfTables, type RowTable } from "./PerfTables.ts"
import { anyMagic, contentHash, magic, type SectionEntry, sha256, TableHeader } from "./TableHeader.ts"

const magicBytes = magic.length
const decodeHeader = Schema.decodeUnknownSync(Schema.fromJsonString(TableHeader))

/** A table file that is open: what its header says, and its sections. */
export interface TableFile {
  readonly header: TableHeader
  readonly tables: PerfTables
}

const unpack = (section: SectionEntry, packed: Uint8Array): RowTable => {
  const bytes = brotliDecompressSync(packed)
  const { name, rows } = section
  if (bytes.byteLength !== rows * (8 + 4 * section.columns.length) || sha256(bytes) !== section.sha256) {
    throw new Error(`section '${name}' does not hold what its hash was taken from`)
  }
  // A Node buffer may start anywhere in a pooled block, but typed arrays need alignment.
  const aligned = new Uint8Array(bytes).buffer
  const columns: Record<string, Int32Array> = {}
  section.columns.forEach((column, index) => {
    columns[column] = new Int32Array(aligned, rows * (8 + 4 * index), rows)
  })
  return { rows, columns, latencyMs: new Float64Array(aligned, 0, rows) }
}

const readHeader = (bytes: Uint8Array, headerEnd: number): TableHeader => {
  const header = decodeHeader(new TextDecoder().decode(bytes.subarray(magicBytes + 4, headerEnd)))
  if (contentHash(header.constants, header.sections) !== header.sha256) {
    throw new Error("the header does not hold what its hash was taken from")
  }
  return header
}

const open = (bytes: Uint8Array, label: string): TableFile => {
  const start = new TextDecoder().decode(bytes.subarray(0, magicBytes))
  if (start !== magic) {
    throw new Error(start.startsWith(anyMagic) ? `a table file of format ${start}, not ${magic}` : "not a table file")
  }
  const headerEnd = magicBytes + 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(magicBytes, true)
  const header = readHeader(bytes, headerEnd)
  const byName = new Map(header.sections.map((section) => [section.name, section]))
  const unpacked = new Map<string, RowTable>()
  const load = (section: SectionEntry): RowTable => {
    const from = headerEnd + section.offset
    const table = unpack(section, bytes.subarray(from, from + section.bytes))
    unpacked.set(section.name, table)
    return table
  }
  const sectionNames = [...byName.keys()]
  const tables: PerfTables = {
    label,
    sectionNames,
    excerpt: false,
    section: (name) => {
      const known = byName.get(name)
      if (known === undefined) return Effect.fail(missingSection(label, sectionNames, name))
      return Effect.try({ try: () => unpacked.get(name) ?? load(known), catch: (cause) => broken(label, cause) })
    }
  }
  return { header, tables }
}

const broken = (label: string, cause: unknown): AicError =>
  new AicError({
    where: label,
    problem: `cannot read the performance tables: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "import them again (dynosim aic import), or reinstall the package if they came with it"
  })

/** Opens a table file; `label` names it in errors. */
export const openTableFile = (bytes: Uint8Array, label: string): Effect.Effect<TableFile, AicError> =>
  Effect.try({ try: () => open(bytes, label), catch: (cause) => broken(label, cause) })
