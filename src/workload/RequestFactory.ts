/**
 * Rows to requests, at dispatch: numbers them, interns their prompt's blocks, and lets the row go.
 */
import type { BlockIdentity } from "../request/BlockIdentity.ts"
import { SimRequest } from "../request/SimRequest.ts"
import type { RowStore } from "./RowStore.ts"

/** How the prompts of a workload become blocks. */
export interface PromptOptions {
  readonly identity: BlockIdentity
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** Blocks are made of token runs, because some row plans its outputs. */
  readonly usesTokenRuns: boolean
}

export interface Dispatch {
  readonly row: number
  readonly sessionId: string | null
  readonly turnIndex: number
  readonly arrivalMs: number
  readonly workloadKey: number
}

export class RequestFactory {
  private readonly options: PromptOptions
  private readonly rows: RowStore
  private readonly symbols: Array<number> = []
  private readonly counts: Array<number> = []
  private nextId = 0

  constructor(options: PromptOptions, rows: RowStore) {
    this.options = options
    this.rows = rows
  }

  /** Makes the request of a row and releases the row. */
  make({ arrivalMs, row, sessionId, turnIndex, workloadKey }: Dispatch): SimRequest {
    const { annotations, hints, requestId } = this.rows.extras(row)
    const request = new SimRequest({
      id: this.nextId++,
      sessionId,
      turnIndex,
      requestId,
      promptTokens: this.rows.promptTokens(row),
      outputTokens: this.rows.outputTokens(row),
      blocks: this.blocksOf(row),
      arrivalMs,
      hints,
      annotations,
      workloadKey
    })
    this.rows.release(row)
    return request
  }

  private blocksOf(row: number): Int32Array {
    const { identity, usesTokenRuns } = this.options
    if (!usesTokenRuns) return identity.blocksOfHashIds(this.rows.hashIds(row), this.rows.promptTokens(row))
    this.symbols.length = 0
    this.counts.length = 0
    this.addPrompt(row)
    for (const token of this.rows.extras(row).outputTokenIds ?? []) {
      this.symbols.push(token)
      this.counts.push(1)
    }
    return identity.blocksOfRuns(this.symbols, this.counts)
  }

  private addPrompt(row: number): void {
    const { traceBlockTokens } = this.options
    const hashIds = this.rows.hashIds(row)
    let left = this.rows.promptTokens(row)
    for (let i = 0; left > 0; i++) {
      const count = Math.min(left, traceBlockTokens)
      this.symbols.push(hashIds[i]!)
      this.counts.push(count)
      left -= count
    }
  }
}
