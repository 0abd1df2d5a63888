/** Parquet as a table, one row group at a time. The reader is loaded only when such a file is read. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { brotliDecompressSync, gunzipSync, openParquet, zstdDecompressSync } from "../../../host/Node.ts"
import { TraceError } from "../../TraceError.ts"
import { readPieces, type Table } from "./Table.ts"

/** Rows held at once: groups are often a million rows. */
const rowsPerChunk = 16_384

const plainBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** What the reader does not decompress itself. */
const compressors = {
  GZIP: (bytes: Uint8Array) => plainBytes(gunzipSync(bytes)),
  BROTLI: (bytes: Uint8Array) => plainBytes(brotliDecompressSync(bytes)),
  ZSTD: (bytes: Uint8Array) => plainBytes(zstdDecompressSync(bytes))
}

/** Opens a Parquet file by the path of its content; `file` is what messages call it. */
export const parquetTable = Effect.fnUntraced(function* (
  path: string,
  file: string
): Effect.fn.Return<Table, TraceError> {
  const failed = (cause: unknown): TraceError =>
    new TraceError({
      file,
      problem: `cannot be read as Parquet: ${cause instanceof Error ? cause.message : String(cause)}`
    })
  const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, TraceError> =>
    Effect.tryPromise({ try: run, catch: failed })
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = yield* Effect.promise(() => import("hyparquet"))
  const content = yield* attempt(() => openParquet(path))
  const metadata = yield* attempt(() => parquetMetadataAsync(content))
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
  const rows = Number(metadata.num_rows)
  const rowsFrom = (wanted: ReadonlyArray<string>, rowStart: number) =>
    Effect.map(
      attempt(() =>
        parquetReadObjects({
          file: content,
          metadata,
          columns: [...new Set(wanted)],
          rowStart,
          rowEnd: Math.min(rows, rowStart + rowsPerChunk),
          compressors
        })
      ),
      (objects) => ({ objects, rowStart })
    )
  return {
    kind: "Parquet",
    columns,
    read: (wanted, make) =>
      readPieces(
        Stream.mapEffect(Stream.range(0, Math.ceil(rows / rowsPerChunk) - 1), (index) =>
          rowsFrom(wanted, index * rowsPerChunk)
        ),
        ({ objects, rowStart }, use) => {
          for (let index = 0; index < objects.length; index++) {
            const object = objects[index]!
            use(
              wanted.map((name) => object[name] ?? undefined),
              rowStart + index + 1
            )
          }
        },
        make
      )
  }
})
