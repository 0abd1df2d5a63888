/**
 * Hash ids for prompts of which only lengths are known: fresh ones, or such that prompts share what a session, or a model of
 * sharing, says that they share.
 *
 * The content of a session is a token string that only its end can change: each prompt is a prefix of it, followed by new tokens, and
 * the output of the turn is appended. Ids number the blocks of all such strings. Memory: a few numbers per session that can still go on.
 */
import type { PrefixModel } from "./PrefixModel.ts"
import { Pcg32 } from "../../structures/Pcg32.ts"

/** A token string, in blocks. */
class Content {
  /** First block of each stretch of consecutive ids, and the first id. */
  private readonly starts: Array<number> = []
  private readonly bases: Array<number> = []
  private blocks = 0
  tokens = 0

  /** Cuts it to its first `tokens` tokens; a block that it ends in changes with what follows. */
  cut(tokens: number, blockTokens: number): void {
    if (tokens >= this.tokens) return
    this.tokens = tokens
    this.blocks = Math.min(this.blocks, Math.floor(tokens / blockTokens))
    while (this.starts.length > 0 && this.starts.at(-1)! >= this.blocks) {
      this.starts.pop()
      this.bases.pop()
    }
  }

  /** Names the first `blocks` blocks; `firstFreeId` is for the first that has no name. Returns how many it named. */
  name(blocks: number, firstFreeId: number): number {
    const missing = Math.max(0, blocks - this.blocks)
    if (missing > 0) {
      this.starts.push(this.blocks)
      this.bases.push(firstFreeId)
      this.blocks = blocks
    }
    return missing
  }

  ids(blocks: number): ReadonlyArray<number> {
    const ids: Array<number> = []
    for (let stretch = 0; stretch < this.starts.length; stretch++) {
      const start = this.starts[stretch]!
      const end = Math.min(blocks, this.starts[stretch + 1] ?? this.blocks)
      for (let block = start; block < end; block++) ids.push(this.bases[stretch]! + block - start)
    }
    return ids
  }
}

/** Sessions that the model of sharing may let go on. */
const openSessions = 256
/** Looks for one that a prompt can continue. */
const triesPerRequest = 4

export class MadeUpPrompts {
  private readonly blockTokens: number
  private readonly systemTokens: number
  private readonly meanTurns: number
  private readonly random: Pcg32
  private readonly sessions = new Map<string, Content>()
  private readonly open: Array<Content> = []
  private readonly systemId: number
  private nextId: number

  constructor(blockTokens: number, { meanTurns, systemTokens }: PrefixModel, seed: number, firstId = 0) {
    this.blockTokens = blockTokens
    this.systemTokens = systemTokens
    this.meanTurns = meanTurns
    this.random = new Pcg32(seed)
    this.systemId = firstId
    this.nextId = firstId + Math.ceil(systemTokens / blockTokens)
  }

  /** Ids of a prompt that belongs to no session. */
  single(promptTokens: number, outputTokens: number): ReadonlyArray<number> {
    if (this.meanTurns === 1) {
      if (this.systemTokens > 0) return this.turn(new Content(), promptTokens, outputTokens, undefined)
      const ids: Array<number> = []
      const end = this.nextId + Math.ceil(promptTokens / this.blockTokens)
      while (this.nextId < end) ids.push(this.nextId++)
      return ids
    }
    return this.turn(this.drawn(promptTokens), promptTokens, outputTokens, undefined)
  }

  /** Ids of the next prompt of a session, of which the first `sharedTokens` were there before; all that can be by default. */
  next(session: string, promptTokens: number, outputTokens: number, sharedTokens?: number): ReadonlyArray<number> {
    const known = this.sessions.get(session)
    const content = known ?? new Content()
    if (known === undefined) this.sessions.set(session, content)
    return this.turn(content, promptTokens, outputTokens, sharedTokens)
  }

  private turn(
    content: Content,
    promptTokens: number,
    outputTokens: number,
    sharedTokens: number | undefined
  ): ReadonlyArray<number> {
    const { blockTokens } = this
    if (content.tokens === 0 && this.systemTokens > 0) this.addSystemPrompt(content)
    if (sharedTokens !== undefined) content.cut(sharedTokens, blockTokens)
    const blocks = Math.ceil(promptTokens / blockTokens)
    this.nextId += content.name(blocks, this.nextId)
    const ids = content.ids(blocks)
    content.cut(promptTokens, blockTokens)
    content.tokens = promptTokens + outputTokens
    return ids
  }

  /** Only whole blocks of the system prompt are shared: the one that it ends in goes on differently everywhere. */
  private addSystemPrompt(content: Content): void {
    content.name(Math.floor(this.systemTokens / this.blockTokens), this.systemId)
    content.tokens = this.systemTokens
  }

  /** A session of the model: one that goes on with the chance that the mean asks for, or a new one. */
  private drawn(promptTokens: number): Content {
    const { open, random } = this
    if (open.length > 0 && random.unit() >= 1 / this.meanTurns) {
      for (let attempt = 0; attempt < triesPerRequest; attempt++) {
        const candidate = open[random.below(open.length)]!
        if (candidate.tokens <= promptTokens) return candidate
      }
    }
    const content = new Content()
    if (open.length < openSessions) open.push(content)
    else open[random.below(openSessions)] = content
    return content
  }
}
