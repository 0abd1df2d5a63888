/** What an option is: what it accepts, and what the help says about it. Tables of these describe each command. */
import type { Kind } from "../settings/Kind.ts"
import type { Setting } from "../settings/Setting.ts"

export interface FlagSpec<A = unknown> {
  readonly kind: Kind<A>
  /** What leaving it out means, for the help; not shown when leaving it out simply means none. */
  readonly default?: string
  readonly description: string
  /** Unknown to the reference (ai-dynamo 1.3.1): a shortened name means it only where it can mean none of the reference's. */
  readonly own?: true
}

/** Options by name without dashes, in the order of the help. */
export type FlagTable = Readonly<Record<string, FlagSpec>>

/** `num-workers` -> `numWorkers`. */
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name

/** The options of a table as given: `undefined` is "not given". */
export type GivenFlags<Flags extends FlagTable> = {
  readonly [Name in keyof Flags & string as CamelCase<Name>]?:
    | (Flags[Name] extends FlagSpec<infer A> ? A : never)
    | undefined
}

/** The field under which an option is given. */
export const fieldOf = (flag: string): string => flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** The option that gives a component its setting. */
export const flagOf = <A>({ absent, doc, kind }: Setting<A>): FlagSpec<A> => ({
  kind,
  description: doc,
  ...(typeof absent === "string" || typeof absent === "number" ? { default: String(absent) } : {})
})
