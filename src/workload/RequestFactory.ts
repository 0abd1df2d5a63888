/**
 * Rows to requests, at dispatch: numbers them, interns their prompt's blocks, and lets the row go.
 */
import type { BlockIdentity } from "../request/BlockIdentity.ts"
import type { HashIds } from "../request/HashId.ts"
import type { InternedPrompts } from "../request/InternedPrompts.ts"
import { SimRequest } from "../request/SimRequest.ts"
import type { RowStore } from "./RowStore.ts"
import { TokenRuns } from "./TokenRuns.ts"

/** How the prompts of a workload become blocks. */
export interface PromptOptions {
  readonly identity: BlockIdentity
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** Blocks are made of token runs, because some row plans its outputs or prompts accumulate. */
  readonly usesTokenRuns: boolean
  /** The blocks of all prompts, where they were made before; never beside token runs. */
  readonly interned?: InternedPrompts | undefined
}

export interface Dispatch {
  readonly row: number
  readonly sessionId: string | null
  readonly turnIndex: number
  /** Whether its session ends with it, where that is known. */
  readonly isLastTurn: boolean | null
  readonly arrivalMs: number
  readonly workloadKey: number
  /** What the session's earlier turns said and heard, where a row holds only what its turn adds. */
  readonly context?: SessionContext | undefined
}

/** Symbols of generated tokens of which nothing is known count down from here. */
const firstUnknownSymbol = -1

/** The token string of a session whose prompts accumulate. */
export class SessionContext {
  readonly runs = new TokenRuns()
  /** Length of the prompt of the turn in flight, which the planned outputs follow. */
  private promptTokens = 0

  addPrompt(hashIds: HashIds, promptTokens: number, traceBlockTokens: number): number {
    this.runs.pushPrompt(hashIds, promptTokens, traceBlockTokens)
    this.promptTokens = this.runs.tokens
    return this.promptTokens
  }

  /** The turn is terminal: of its planned outputs only those that it emitted stay. */
  settle(emittedTokens: number): void {
    this.runs.truncate(this.promptTokens + emittedTokens)
  }
}

export class RequestFactory {
  private readonly options: PromptOptions
  private readonly rows: RowStore
  private nextId = 0
  private nextUnknownSymbol = firstUnknownSymbol

  constructor(options: PromptOptions, rows: RowStore) {
    this.options = options
    this.rows = rows
  }

  /** Makes the request of a row and releases the row. */
  make({ arrivalMs, context, isLastTurn, row, sessionId, turnIndex, workloadKey }: Dispatch): SimRequest {
    const { annotations, className, hints, outputTokenIds, requestId } = this.rows.extras(row)
    const { blocks, promptTokens } = context === undefined ? this.ownPrompt(row) : this.addedPrompt(row, context)
    const request = new SimRequest({
      id: this.nextId++,
      sessionId,
      turnIndex,
      isLastTurn,
      className,
      requestId,
      promptTokens,
      outputTokens: this.rows.outputTokens(row),
      plansOutput: outputTokenIds !== undefined,
      blocks,
      arrivalMs,
      hints,
      annotations,
      workloadKey
    })
    this.rows.release(row)
    return request
  }

  /** The row's prompt is the whole prompt. */
  private ownPrompt(row: number): { readonly promptTokens: number; readonly blocks: Int32Array } {
    const { identity, interned, traceBlockTokens, usesTokenRuns } = this.options
    const promptTokens = this.rows.promptTokens(row)
    if (interned !== undefined) return { promptTokens, blocks: interned.blocksOf(row) }
    const hashIds = this.rows.hashIds(row)
    if (!usesTokenRuns) return { promptTokens, blocks: identity.blocksOfHashIds(hashIds, promptTokens) }
    const runs = new TokenRuns()
    runs.pushPrompt(hashIds, promptTokens, traceBlockTokens)
    for (const token of this.rows.extras(row).outputTokenIds ?? []) runs.push(token, 1)
    return { promptTokens, blocks: this.blocksOf(runs, promptTokens) }
  }

  /** The row's prompt follows all that its session said and heard so far. */
  private addedPrompt(
    row: number,
    context: SessionContext
  ): { readonly promptTokens: number; readonly blocks: Int32Array } {
    const { traceBlockTokens } = this.options
    const { outputTokenIds } = this.rows.extras(row)
    const promptTokens = context.addPrompt(this.rows.hashIds(row), this.rows.promptTokens(row), traceBlockTokens)
    if (outputTokenIds === undefined) context.runs.push(this.nextUnknownSymbol--, this.rows.outputTokens(row))
    else for (const token of outputTokenIds) context.runs.push(token, 1)
    return { promptTokens, blocks: this.blocksOf(context.runs, promptTokens) }
  }

  /** Of the prompt, and of as much of what is planned after it as a worker can hold. */
  private blocksOf({ counts, symbols }: TokenRuns, promptTokens: number): Int32Array {
    const { identity } = this.options
    const mostTokens = Math.max(promptTokens, identity.capacityBlocks * identity.blockTokens)
    return identity.blocksOfRuns(symbols, counts, mostTokens)
  }
}
