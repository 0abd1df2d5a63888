/**
 * What the library takes from Node.js itself, beyond what `@effect/platform-node` provides as services. Everything below `serve` and
 * `cli` that needs Node's own modules imports them from here, so that there is one file to exchange: a bundler for browsers takes
 * `Browser.ts` instead (`browser` in package.json).
 */
import type * as Crypto from "node:crypto"
import { closeSync, constants, createReadStream, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Zlib from "node:zlib"

export type { FileHandle } from "node:fs/promises"
export type { Hash } from "node:crypto"

// Few runs use these two, and loading them is a fifth of what starting Node.js costs.
const crypto = (): typeof Crypto => process.getBuiltinModule("node:crypto")
const zlib = (): typeof Zlib => process.getBuiltinModule("node:zlib")

export const brotliDecompressSync = (data: Uint8Array): Uint8Array => zlib().brotliDecompressSync(data)
/** Raw deflate at the usual level: what the highest one takes off beyond that, a hundredth, takes five times as long. */
export const deflateRawSync = (data: Uint8Array): Uint8Array => zlib().deflateRawSync(data)
export const gunzipSync = (data: Uint8Array): Uint8Array => zlib().gunzipSync(data)
export const zstdDecompressSync = (data: Uint8Array): Uint8Array => zlib().zstdDecompressSync(data)
export const createGunzip = (): Zlib.Gunzip => zlib().createGunzip()
export const createZstdDecompress = (): Zlib.ZstdDecompress => zlib().createZstdDecompress()

/** A fresh SHA-256; `undefined` where there is none. */
export const makeSha256: (() => Crypto.Hash) | undefined = () => crypto().createHash("sha256")

/** Bytes that nobody can foresee. */
export const randomBytes = (count: number): Uint8Array => crypto().randomBytes(count)

/** Milliseconds since some moment, by a clock that never goes back. The global `performance` would load all that Node can measure. */
export const monotonicMs = (): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

/** Bytes of a file that cannot be read at positions, such as a pipe. */
export const readInOrder = (path: string, chunkBytes: number): AsyncIterable<Uint8Array> =>
  createReadStream(path, { highWaterMark: chunkBytes })

/** Opens a named pipe for writing without waiting for a reader; fails with ENXIO while there is none. */
export const openPipe = (path: string): Promise<FileHandle> =>
  process.getBuiltinModule("node:fs/promises").open(path, constants.O_WRONLY | constants.O_NONBLOCK)

/** A Parquet file, read piece by piece. Loaded only when one is. */
export const openParquet = async (path: string) => {
  const { asyncBufferFromFile } = await import("hyparquet/src/node.js")
  return asyncBufferFromFile(path)
}

/** Memory that this process may still take, bytes. */
export const availableMemoryBytes = (): number => process.availableMemory()

export interface HeapUse {
  /** What lies in the heap of this thread, alive or not, bytes. */
  readonly usedBytes: number
  /** At which V8 ends the process, bytes. */
  readonly limitBytes: number
}

/** A limit of one's own; the one that V8 reports counts its young generation too, which may be larger. */
const givenHeapBytes = (): number | undefined => {
  const words = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")]
  const sizes = words.flatMap((word) => /^--max[-_]old[-_]space[-_]size=(\d+)$/.exec(word)?.[1] ?? [])
  return sizes.length === 0 ? undefined : Number(sizes[0]) * 2 ** 20
}

let givenBytes: number | undefined
let isGivenKnown = false

export const heapUse = (): HeapUse => {
  if (!isGivenKnown) {
    givenBytes = givenHeapBytes()
    isGivenKnown = true
  }
  const { heap_size_limit, used_heap_size } = process.getBuiltinModule("node:v8").getHeapStatistics()
  return { usedBytes: used_heap_size, limitBytes: givenBytes ?? heap_size_limit }
}

/** Collects all garbage at once, which takes about a second per GiB that is alive. */
export const collectGarbage = (): void => {
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc")
  process.getBuiltinModule("node:vm").runInNewContext("gc")()
}

/** A file without a name for what would fill the memory; it is gone with whoever holds it, and with the process at the latest. */
export interface ScratchFile {
  /** Adds bytes at its end; `false` where there is no room for all of them, which leaves it as it was. */
  readonly append: (bytes: Uint8Array) => boolean
  /** Fills `bytes` with what stands from the byte `position` on. */
  readonly read: (position: number, bytes: Uint8Array) => void
}

const closing = new FinalizationRegistry<number>(closeSync)

/** Opens a file in the system's temporary folder and takes its name away; `undefined` where that is not possible. */
const openNameless = (): number | undefined => {
  // Elsewhere an open file keeps its name.
  if (process.platform === "win32") return undefined
  try {
    const folder = mkdtempSync(join(tmpdir(), "dynosim-scratch-"))
    try {
      return openSync(join(folder, "scratch"), "wx+", 0o600)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  } catch {
    return undefined
  }
}

/** A fresh scratch file; `undefined` where none can be made. */
export const openScratchFile = (): ScratchFile | undefined => {
  const descriptor = openNameless()
  if (descriptor === undefined) return undefined
  let length = 0
  const file: ScratchFile = {
    append: (bytes) => {
      try {
        for (let done = 0; done < bytes.length;) {
          done += writeSync(descriptor, bytes, done, bytes.length - done, length + done)
        }
      } catch {
        return false
      }
      length += bytes.length
      return true
    },
    read: (position, bytes) => {
      for (let done = 0; done < bytes.length;) {
        const read = readSync(descriptor, bytes, done, bytes.length - done, position + done)
        if (read === 0) throw new Error(`a scratch file of ${length} bytes ends at ${position + done}`)
        done += read
      }
    }
  }
  closing.register(file, descriptor)
  return file
}
