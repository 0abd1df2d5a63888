/**
 * SHA-256 of the files that a run reads, by their names, so that a report says what it is the report of.
 *
 * Trace files are hashed while they are checked, as stored (compressed where they are); other files are read once more.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { makeSha256, type Hash } from "../host/Node.ts"

/** Node's SHA-256; `undefined` on platforms without one. */
export type HashMaker = () => Hash

/** Where SHA-256 comes from: Node's own by default. Without one, reports name no hashes. */
export const Sha256 = Context.Reference<HashMaker | undefined>("dynosim/run/Sha256", {
  defaultValue: () => makeSha256
})

export class InputHashes {
  /** By name: those under way, and those that are known. */
  private readonly hashes = new Map<string, Hash | string>()
  private readonly makeHash: HashMaker

  constructor(makeHash: HashMaker) {
    this.makeHash = makeHash
  }

  /** Adds the next bytes of a file. */
  readonly observe = (file: string, bytes: Uint8Array): void => {
    const known = this.hashes.get(file)
    const hash = known === undefined || typeof known === "string" ? this.makeHash() : known
    this.hashes.set(file, hash.update(bytes))
  }

  /** Adds files whose hashes somebody has taken before. */
  readonly take = (known: Readonly<Record<string, string>>): void => {
    for (const [file, hash] of Object.entries(known)) this.hashes.set(file, hash)
  }

  /** Lower-case hexadecimal, by name; call it when all files have been read. */
  finish(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.hashes].map(([file, hash]) => [file, typeof hash === "string" ? hash : hash.copy().digest("hex")])
    )
  }
}

/** Adds whole files. What is no regular file can be read only once, and was. */
export const hashFiles = Effect.fnUntraced(function* (hashes: InputHashes, paths: ReadonlyArray<string>) {
  const files = yield* FileSystem.FileSystem
  for (const path of new Set(paths)) {
    const info = yield* Effect.option(files.stat(path))
    if (info._tag === "None" || info.value.type !== "File") continue
    const bytes = yield* Effect.option(files.readFile(path))
    if (bytes._tag === "Some") hashes.observe(path, bytes.value)
  }
})
