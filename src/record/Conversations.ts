/**
 * Which conversation a prompt goes on with: the one whose last prompt it begins with, and which waits for its next turn.
 *
 * Prompts are found by the hashes of what they were: those of their whole blocks of 256 bytes chained into one, then that of the
 * bytes after them. A conversation that two prompts continue is continued by the first; the other is a new one.
 */
import { type Halves, promptBlockBytes, type PromptHashes } from "./PromptHashes.ts"

export interface Conversation {
  readonly id: string
  readonly turn: number
  /** When the last turn had ended. */
  readonly endedMs: number
}

/** One that waits for its next turn, and where it is found. */
export interface Waiting extends Conversation {
  readonly prefix: string
  readonly tailBytes: number
  readonly tail: string
}

const nameOf = ({ high, low }: Halves): string => `${low} ${high}`

/** What follows from a prompt for finding it again. */
export class PromptTrail {
  readonly bytes: Uint8Array
  readonly blocks: ReadonlyArray<Halves>
  private readonly hashes: PromptHashes
  /** By number of whole blocks from 0: the hash of all of them. */
  readonly prefixes: ReadonlyArray<string>

  constructor(bytes: Uint8Array, hashes: PromptHashes) {
    this.bytes = bytes
    this.hashes = hashes
    this.blocks = hashes.ofBlocks(bytes)
    const prefixes = [""]
    const whole = Math.floor(bytes.length / promptBlockBytes)
    const encoder = new TextEncoder()
    for (let block = 0; block < whole; block++) {
      prefixes.push(nameOf(hashes.of(encoder.encode(`${prefixes[block]} ${nameOf(this.blocks[block]!)}`))))
    }
    this.prefixes = prefixes
  }

  /** The hash of so many bytes after so many whole blocks. */
  tail(blocks: number, length: number): string {
    const start = blocks * promptBlockBytes
    return nameOf(this.hashes.of(this.bytes.subarray(start, start + length)))
  }
}

export class Conversations {
  private readonly limit: number
  private started = 0
  /** In the order in which they began to wait, by prefix, length of tail and tail. */
  private readonly waiting = new Map<string, Map<number, Map<string, Waiting>>>()
  private readonly oldest = new Set<Waiting>()

  /** So many conversations are waited for at most; the oldest ones are given up. */
  constructor(limit: number) {
    this.limit = limit
  }

  /** Takes the longest conversation that the prompt goes on with, if there is one. */
  take(trail: PromptTrail): Waiting | undefined {
    for (let blocks = trail.prefixes.length - 1; blocks >= 0; blocks--) {
      const tails = this.waiting.get(trail.prefixes[blocks]!)
      if (tails === undefined) continue
      for (const [length, found] of tails) {
        if (blocks * promptBlockBytes + length >= trail.bytes.length) continue
        const conversation = found.get(trail.tail(blocks, length))
        if (conversation === undefined) continue
        this.forget(conversation)
        return conversation
      }
    }
    return undefined
  }

  /** A name for a new one. */
  start(): string {
    this.started += 1
    return `session-${this.started}`
  }

  /** The conversation waits for a prompt that goes on with this one. */
  wait(conversation: Conversation, trail: PromptTrail): void {
    const blocks = trail.prefixes.length - 1
    const tailBytes = trail.bytes.length - blocks * promptBlockBytes
    const tail = trail.tail(blocks, tailBytes)
    this.restore({ ...conversation, prefix: trail.prefixes[blocks]!, tailBytes, tail })
  }

  /** One that was taken waits again. */
  restore(waiting: Waiting): void {
    const tails = entry(this.waiting, waiting.prefix, () => new Map<number, Map<string, Waiting>>())
    const found = entry(tails, waiting.tailBytes, () => new Map<string, Waiting>())
    const other = found.get(waiting.tail)
    if (other !== undefined) this.oldest.delete(other)
    found.set(waiting.tail, waiting)
    this.oldest.add(waiting)
    const [first] = this.oldest.size > this.limit ? this.oldest : []
    if (first !== undefined) this.forget(first)
  }

  private forget(waiting: Waiting): void {
    this.oldest.delete(waiting)
    const tails = this.waiting.get(waiting.prefix)
    const found = tails?.get(waiting.tailBytes)
    found?.delete(waiting.tail)
    if (found?.size === 0) tails?.delete(waiting.tailBytes)
    if (tails?.size === 0) this.waiting.delete(waiting.prefix)
  }
}

const entry = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
