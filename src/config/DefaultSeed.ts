/** Of runs that name none; the one that the reference draws synthetic load from. */
export const defaultSeed = 42
