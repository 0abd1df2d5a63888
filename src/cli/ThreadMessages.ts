/** What a sweep says to its threads; they answer each task with its outcome. */
import type { Outcome } from "../sweep/CellRunner.ts"

/** A run to carry out. */
export interface ThreadTask {
  /** Options as the text of a `--config` file. */
  readonly config: string
  /** As texts. */
  readonly constraints: ReadonlyArray<string>
}

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
