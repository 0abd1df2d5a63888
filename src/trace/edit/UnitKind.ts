/** What edits keep or drop as a whole. */
export const unitKinds = ["sessions", "requests"] as const
export type UnitKind = (typeof unitKinds)[number]
