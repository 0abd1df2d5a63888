/**
 * The head of a table file: where its latencies come from, the constants of the system they were measured on, and what
 * sections follow.
 *
 * A file's hash is that of its content, whatever the compression: of the constants and of each section's unpacked bytes.
 * Files of the same measurements have the same hash, however they were made.
 */
import { makeSha256 } from "../../host/Node.ts"
import * as Schema from "effect/Schema"
import { SystemConstants } from "./SystemConstants.ts"

/** First bytes of a table file of this format version. */
export const magic = "DYNAIC02"
/** First bytes of a table file of any version. */
export const anyMagic = "DYNAIC"

const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const SectionEntry = Schema.Struct({
  name: Schema.String,
  columns: Schema.Array(Schema.String),
  rows: Count,
  /** Of the Brotli stream, in bytes behind the header. */
  offset: Count,
  bytes: Count,
  /** Of the unpacked latencies and keys. */
  sha256: Sha256
})
export type SectionEntry = typeof SectionEntry.Type

export const TableSource = Schema.Struct({
  system: Schema.String,
  backend: Schema.String,
  backendVersion: Schema.String,
  /** What the measurements were read from, such as a package and its version. */
  origin: Schema.String
})
export type TableSource = typeof TableSource.Type

export const TableHeader = Schema.Struct({
  source: TableSource,
  constants: SystemConstants,
  sections: Schema.Array(SectionEntry),
  /** Of the content. */
  sha256: Sha256
})
export type TableHeader = typeof TableHeader.Type

/** Hash of some bytes, in hexadecimal digits. */
export const sha256 = (bytes: Uint8Array | string): string => {
  if (makeSha256 === undefined) throw new Error("checking a table needs SHA-256, which Node.js has")
  return makeSha256().update(bytes).digest("hex")
}

/** Hash of a file's content, from its constants and the hashes of its sections; their order does not matter. */
export const contentHash = (constants: SystemConstants, sections: ReadonlyArray<SectionEntry>): string => {
  const entries = sections.map(({ columns, name, rows, sha256 }) => [name, columns.join(","), rows, sha256].join(" "))
  const amounts = Object.entries(constants).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return sha256([...amounts.toSorted(), ...entries.toSorted()].join("\n"))
}

/** The first digits of a hash, as reports and lists show it. */
export const shortHash = (hash: string): string => hash.slice(0, 12)
