/** The terminal that standard output goes to, if it goes to one. */
import * as Context from "effect/Context"

export interface Screen {
  /** Characters of a line. */
  readonly columns: number
  readonly colour: boolean
}

/** `undefined` (the default) where nobody looks, as in pipes and files. */
export const Screen = Context.Reference<Screen | undefined>("dynosim/cli/Screen", { defaultValue: () => undefined })
