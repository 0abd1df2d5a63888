/** JSON of others, of which only a few fields matter: what is not there, or no JSON, is missing, not an error. */
import * as Predicate from "effect/Predicate"

export const field = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

/** `undefined` is no JSON. */
export const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
