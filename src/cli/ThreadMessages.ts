/** What a sweep says to its threads; they answer each task that they begin with its outcome, in order. */
import type { Outcome } from "../sweep/CellRunner.ts"

/** A run to carry out. */
export interface ThreadTask {
  /** Options as the text of a `--config` file. */
  readonly config: string
  /** As texts. */
  readonly constraints: ReadonlyArray<string>
  readonly claim: Claim
}

/** Memory of both sides, by which one of them has a run that lies ready: the thread begins it, or the sweep takes it back. */
export type Claim = Int32Array<SharedArrayBuffer>

export const unclaimed = (): Claim => new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** True for the side that asks first. */
export const claims = (claim: Claim): boolean => Atomics.compareExchange(claim, 0, 0, 1) === 0

/** Tells a thread that nothing more comes. */
export const endOfWork = "end"

/** Says something to a thread, or as one. */
export const post = (
  to: { readonly postMessage: (message: unknown) => void },
  message: ThreadTask | typeof endOfWork | Outcome
): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  to.postMessage(message)
}
