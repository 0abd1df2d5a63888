import type { CheckedRow } from "./TraceChecks.ts"

/** A row and what its line said about the prompt. */
export interface MooncakeRow extends CheckedRow {
  /** The line asked for more prompt tokens than its hash ids can supply, and got what they can. */
  readonly clamped: boolean
}
