/** What an option is: the form of its values, and what the help says about it. Tables of these describe each command. */

export type FlagKind =
  | "integer"
  | "number"
  | "text"
  | "path"
  /** Files; the option may be given several times. */
  | "paths"
  /** Words; the option may be given several times. */
  | "texts"
  /** Numbers of tokens: see {@link TokenLengths}. */
  | "lengths"
  | "json"
  | "choice"
  /** On when it is given. */
  | "switch"

export interface FlagSpec {
  readonly kind: FlagKind
  /** Of a `choice`. */
  readonly choices?: ReadonlyArray<string>
  /** What leaving it out means, for the help; not shown when leaving it out simply means none. */
  readonly default?: string
  readonly description: string
  /** Unknown to the reference (ai-dynamo 1.3.1): a shortened name means it only where it can mean none of the reference's. */
  readonly own?: true
}

/** Options by name without dashes, in the order of the help. */
export type FlagTable = Readonly<Record<string, FlagSpec>>
