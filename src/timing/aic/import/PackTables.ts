/** Writes table files: the counterpart of `TableFile`, which describes the format. */
import { brotliCompressSync, constants as zlib } from "node:zlib"
import type { RowTable } from "../PerfTables.ts"
import type { SystemConstants } from "../SystemConstants.ts"
import { contentHash, magic, type SectionEntry, sha256, type TableHeader, type TableSource } from "../TableHeader.ts"
import type { Section } from "./SectionRows.ts"

/** Latencies, then each key column, little endian as every machine that runs Node is. */
const bytesOf = ({ columns, latencyMs }: RowTable): Uint8Array =>
  Buffer.concat(
    [latencyMs, ...Object.values(columns)].map(
      ({ buffer, byteLength, byteOffset }) => new Uint8Array(buffer, byteOffset, byteLength)
    )
  )

const windowBits = 22

const compress = (bytes: Uint8Array, quality: number): Uint8Array =>
  brotliCompressSync(bytes, {
    params: { [zlib.BROTLI_PARAM_QUALITY]: quality, [zlib.BROTLI_PARAM_LGWIN]: windowBits }
  })

const withLength = (header: TableHeader): Uint8Array => {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([length, json])
}

/** A table file of some sections; Brotli's `quality` of 0 to 11 trades time against size. */
export const packTables = (
  source: TableSource,
  constants: SystemConstants,
  sections: ReadonlyArray<Section>,
  quality: number
): Uint8Array => {
  const entries: Array<SectionEntry> = []
  const bodies: Array<Uint8Array> = []
  let offset = 0
  for (const { name, table } of sections) {
    const bytes = bytesOf(table)
    const body = compress(bytes, quality)
    entries.push({
      name,
      columns: Object.keys(table.columns),
      rows: table.rows,
      offset,
      bytes: body.length,
      sha256: sha256(bytes)
    })
    bodies.push(body)
    offset += body.length
  }
  const header = { source, constants, sections: entries, sha256: contentHash(constants, entries) }
  return Buffer.concat([Buffer.from(magic), withLength(header), ...bodies])
}
