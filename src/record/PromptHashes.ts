/** Salted hashes of a prompt's bytes: all that is ever kept of it. */
import { makeSha256 } from "../host/Node.ts"

export const promptBlockBytes = 256

/** 64 bits of hash as two signed halves. */
export interface Halves {
  readonly low: number
  readonly high: number
}

export class PromptHashes {
  private readonly salt: string

  constructor(salt: string) {
    this.salt = salt
  }

  /** The salted hash of some bytes. */
  of(bytes: Uint8Array): Halves {
    const hash = makeSha256?.()
    if (hash === undefined) throw new Error("prompts are kept as SHA-256, which this platform has not")
    const digest = hash.update(this.salt).update(bytes).digest()
    return { low: digest.readInt32LE(0), high: digest.readInt32LE(4) }
  }

  /** One hash per 256 bytes; the last block may be shorter. */
  ofBlocks(bytes: Uint8Array): ReadonlyArray<Halves> {
    const blocks = Math.ceil(bytes.length / promptBlockBytes)
    return Array.from({ length: blocks }, (_, block) =>
      this.of(bytes.subarray(block * promptBlockBytes, (block + 1) * promptBlockBytes))
    )
  }
}
