/**
 * The words after a command in the form that Effect's parser takes, so that command lines written for the reference's argparse
 * keep working: flags may be shortened to a unique prefix, the last of repeated flags counts (unless they collect files), a
 * value may look like a negative number, and trace files may stand anywhere.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FlagTable } from "../config/FlagSpec.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { commandFlags } from "./CommandFlags.ts"
import { isRepeated } from "./FlagParams.ts"

/** Flags of the parser itself that a shortened name may mean too. */
const parserFlags = ["help", "version", "completions"]
const negativeNumber = /^-(\d|\.\d)/

interface LongFlag {
  readonly name: string
  /** After `=`. */
  readonly value: string | undefined
}

const longFlagOf = (word: string): LongFlag => {
  const equals = word.indexOf("=")
  return equals < 0
    ? { name: word.slice(2), value: undefined }
    : { name: word.slice(2, equals), value: word.slice(equals + 1) }
}

/** The flag that a possibly shortened name means; the name itself when it means none. */
const fullName = (name: string, table: FlagTable): Result.Result<string, UsageError> => {
  const names = [...Object.keys(table), ...parserFlags]
  if (names.includes(name)) return Result.succeed(name)
  const all = names.filter((candidate) => candidate.startsWith(name))
  const known = all.filter((candidate) => table[candidate]?.own !== true)
  const candidates = known.length === 1 ? known : all
  if (candidates.length <= 1) return Result.succeed(candidates[0] ?? name)
  return Result.fail(
    usageError(`--${name}`, "is ambiguous", `could be ${candidates.map((candidate) => `--${candidate}`).join(", ")}`)
  )
}

const takesValue = (name: string, table: FlagTable): boolean =>
  Object.hasOwn(table, name) ? table[name]?.kind.form !== "switch" : name === "completions"

/** A switch is on when it is given: nothing after it turns it off, and there is no opposite of it. */
const switchProblem = (
  name: string,
  value: string | undefined,
  attached: boolean,
  table: FlagTable
): UsageError | undefined => {
  const opposite = name.startsWith("no-") ? name.slice(3) : undefined
  if (opposite !== undefined && Object.hasOwn(table, opposite)) {
    return usageError(`--${name}`, "unknown flag", `leave out --${opposite}: without it, it is off`)
  }
  if (table[name]?.kind.form !== "switch" || value === undefined) return undefined
  return attached || /^(true|false|yes|no|on|off|0|1)$/i.test(value)
    ? usageError(
        `--${name}`,
        `takes no value, got ${JSON.stringify(value)}`,
        "give it alone to turn it on, leave it out to turn it off"
      )
    : undefined
}

/** Whether a word can only be a value: not a flag, or a negative number. */
const isValue = (word: string): boolean => !word.startsWith("-") || word === "-" || negativeNumber.test(word)

/** The words, flags first as `--name=value`, each flag once; everything that is not understood is left to the parser. */
export const normaliseWords = (
  words: ReadonlyArray<string>,
  table: FlagTable
): Result.Result<ReadonlyArray<string>, UsageError> => {
  /** By what makes an occurrence replace another one. */
  const flags = new Map<string, string>()
  const files: Array<string> = []
  const end = words.indexOf("--")
  const last = end < 0 ? words.length : end
  for (let index = 0; index < last; index++) {
    const word = words[index]!
    if (isValue(word)) {
      files.push(word)
      continue
    }
    if (!word.startsWith("--")) {
      flags.set(word, word)
      continue
    }
    const { name: given, value } = longFlagOf(word)
    const resolved = fullName(given, table)
    if (Result.isFailure(resolved)) return Result.fail(resolved.failure)
    const name = resolved.success
    const switched = switchProblem(name, value ?? words[index + 1], value !== undefined, table)
    if (switched !== undefined) return Result.fail(switched)
    let written = value
    if (written === undefined && takesValue(name, table)) {
      written = index + 1 < last ? words[index + 1] : undefined
      if (written === undefined || !isValue(written)) return Result.fail(usageError(`--${name}`, "needs a value"))
      index += 1
    }
    const key = isRepeated(table[name]?.kind.form) ? `${name}=${written}` : name
    flags.set(key, written === undefined ? `--${name}` : `--${name}=${written}`)
  }
  return Result.succeed([...flags.values(), ...files, ...(end < 0 ? [] : words.slice(end))])
}

/** Normalises what follows the name of a command; the words of anything else are left alone. */
export const normaliseArgv = Effect.fnUntraced(function* (
  argv: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<string>, UsageError> {
  for (const length of [2, 1]) {
    const path = argv.slice(0, length)
    const load = commandFlags.get(path.join(" "))
    if (load === undefined) continue
    const normal = yield* Effect.fromResult(normaliseWords(argv.slice(length), yield* Effect.promise(load)))
    return [...path, ...normal]
  }
  return argv
})
