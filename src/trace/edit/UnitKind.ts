/** What edits keep or drop as a whole. */
export const unitKinds = ["sessions", "requests"] as const
/** What an edit keeps or leaves out as a whole. */
export type UnitKind = (typeof unitKinds)[number]
