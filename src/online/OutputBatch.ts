/** What one pass of one worker gave, published as a whole when the pass is over. */
import type { Signal } from "../engine/WorkerCore.ts"
import type { LiveRequest } from "./LiveRequest.ts"

export class OutputBatch {
  readonly workerIndex: number
  /** When the end of the pass was seen: the time stamp of all its tokens. */
  stampMs = Number.NaN
  /** The pass took no time in the model: other passes of the same instant have yet to start. */
  instant = false
  /** Requests that emit, and how many tokens each; equal lengths. */
  readonly emitting: Array<LiveRequest> = []
  readonly tokens: Array<number> = []
  /** Requests with a signal, in the engine's order; equal lengths. */
  readonly signalled: Array<LiveRequest> = []
  readonly signals: Array<Signal> = []

  constructor(workerIndex: number) {
    this.workerIndex = workerIndex
  }

  addTokens(live: LiveRequest): void {
    const computed = live.request.emittedTokens
    if (computed === live.computedTokens) return
    this.emitting.push(live)
    this.tokens.push(computed - live.computedTokens)
    live.computedTokens = computed
  }

  /** The tokens leave the deployment. */
  emit(): void {
    const { emitting, stampMs, tokens } = this
    for (let index = 0; index < emitting.length; index++) emitting[index]!.emit(tokens[index]!, stampMs)
  }

  addSignal(live: LiveRequest, signal: Signal): void {
    this.signalled.push(live)
    this.signals.push(signal)
  }
}
