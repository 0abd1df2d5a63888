/** Why a file cannot be read, in the words of a user. */
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"

export const reasonOf = ({ cause, message, reason }: PlatformError): string => {
  if (Predicate.isTagged(reason, "NotFound")) return "no such file"
  if (Predicate.isTagged(reason, "PermissionDenied")) return "permission denied"
  if (Predicate.hasProperty(cause, "code") && cause.code === "EISDIR") return "it is a folder"
  return cause instanceof Error ? cause.message : message
}
