/** JSON of clients and servers, of which only a few fields matter: what is not there, or no JSON, is missing, not an error. */
import * as Predicate from "effect/Predicate"

export const field = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
