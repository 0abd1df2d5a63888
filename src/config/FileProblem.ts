/** Why a file cannot be read, in the words of a user. */
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"

export const reasonOf = ({ message, reason }: PlatformError): string => {
  if (Predicate.isTagged(reason, "NotFound")) return "no such file"
  return Predicate.isTagged(reason, "PermissionDenied") ? "permission denied" : message
}
