/** What stands for `Node.ts` in a bundle for browsers: runs need none of it; compressed and piped files, and AIC tables, do. */
import { deflateSync } from "fflate"
import type * as Node from "./Node.ts"

const missing = (what: string) => (): never => {
  throw new Error(`${what} needs Node.js`)
}

export const deflateRawSync: typeof Node.deflateRawSync = (data) => deflateSync(data)
export const brotliDecompressSync: typeof Node.brotliDecompressSync = missing("Brotli")
export const createGunzip: typeof Node.createGunzip = missing("gzip")
export const createZstdDecompress: typeof Node.createZstdDecompress = missing("Zstandard")
export const gunzipSync: typeof Node.gunzipSync = missing("gzip")
export const zstdDecompressSync: typeof Node.zstdDecompressSync = missing("Zstandard")
export const makeSha256: typeof Node.makeSha256 = undefined
export const randomBytes: typeof Node.randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count))
export const monotonicMs: typeof Node.monotonicMs = () => performance.now()
export const readInOrder: typeof Node.readInOrder = missing("reading a pipe")
export const openPipe: typeof Node.openPipe = missing("writing to a pipe")

export const openParquet: typeof Node.openParquet = missing("reading a Parquet file by its path")

/** Whoever asks keeps in memory what it has. */
export const openScratchFile: typeof Node.openScratchFile = () => undefined

/** Browsers do not say. */
export const availableMemoryBytes: typeof Node.availableMemoryBytes = () => Number.POSITIVE_INFINITY
export const heapUse: typeof Node.heapUse = () => ({ usedBytes: 0, limitBytes: Number.POSITIVE_INFINITY })
export const collectGarbage: typeof Node.collectGarbage = () => {}
