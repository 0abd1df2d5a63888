/** What a sweep says to its threads; they answer each task with its outcome. */

/** A run to carry out. */
export interface ThreadTask {
  /** Options as the text of a `--config` file. */
  readonly config: string
  /** As texts. */
  readonly constraints: ReadonlyArray<string>
}

/** Tells a thread that nothing more comes. */
export const endOfWork = "end"
