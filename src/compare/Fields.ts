/** Looks into JSON that somebody else wrote: what is not there, or of another type, is missing, not an error. */
import * as Predicate from "effect/Predicate"

/** The value below one of the paths, each with dots between its keys; the first that is there. */
export const valueAt = (value: unknown, ...paths: ReadonlyArray<string>): unknown => {
  for (const path of paths) {
    let at: unknown = value
    for (const key of path.split(".")) at = Predicate.hasProperty(at, key) ? at[key] : undefined
    if (at !== undefined && at !== null) return at
  }
  return undefined
}

/** `NaN` where there is none. */
export const numberAt = (value: unknown, ...paths: ReadonlyArray<string>): number => {
  const found = valueAt(value, ...paths)
  return typeof found === "number" ? found : Number.NaN
}

/** Text, or a number as text. */
export const textAt = (value: unknown, ...paths: ReadonlyArray<string>): string | undefined => {
  const found = valueAt(value, ...paths)
  return typeof found === "string" ? found : typeof found === "number" ? String(found) : undefined
}

export const listAt = (value: unknown, ...paths: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const found = valueAt(value, ...paths)
  return Array.isArray(found) ? found : []
}

export const numbersAt = (value: unknown, ...paths: ReadonlyArray<string>): ReadonlyArray<number> =>
  listAt(value, ...paths).filter((item) => typeof item === "number")
