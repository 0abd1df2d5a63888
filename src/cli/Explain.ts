/** How the user is told what went wrong. */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { printable } from "../report/Printable.ts"
import { ThresholdsCrossed } from "./CliError.ts"

/** What a user is told about an error: one line, and what to do. */
export interface Message {
  readonly problem: string
  readonly hint: string | undefined
}

export const print = ({ hint, problem }: Message): Effect.Effect<void> =>
  Console.error(`error: ${printable(oneLine(hint === undefined ? problem : `${problem}; ${hint}`))}`)

/** Schemas describe what they miss in several lines. */
const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ")

interface Tagged {
  readonly _tag: string
  readonly message: string
}

const isTagged = (error: unknown): error is Tagged =>
  Predicate.hasProperty(error, "_tag") && Predicate.hasProperty(error, "message") && typeof error.message === "string"

const hintOf = (error: object): string | undefined => {
  const hint = Predicate.hasProperty(error, "hint") ? error.hint : undefined
  return typeof hint === "string" ? hint : undefined
}

/** Expected failures in one line; a defect of the program itself with its stack, to be reported. */
export const explain = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const errors = cause.reasons.filter(Cause.isFailReason).map(({ error }) => error)
  if (Cause.hasDies(cause) || !errors.every(isTagged)) {
    return Console.error(`error: this is a fault of dynosim itself, please report it\n${Cause.pretty(cause)}`)
  }
  return Effect.forEach(errors, explainOne, { discard: true })
}

const explainOne = (error: Tagged): Effect.Effect<void> => {
  if (error instanceof ThresholdsCrossed) {
    return Effect.forEach(error.problems, (problem) => print({ problem, hint: undefined }), { discard: true })
  }
  return error._tag === "ShowHelp" ? Effect.void : print({ problem: error.message, hint: hintOf(error) })
}
