/**
 * The words after `replay` in the form that Effect's parser takes, so that command lines written for the reference's argparse
 * keep working: flags may be shortened to a unique prefix, the last of repeated flags counts, a value may look like a
 * negative number, and trace files may stand anywhere.
 */
import * as Result from "effect/Result"
import { isFlagName, replayFlags } from "../config/ReplayFlags.ts"
import { type UsageError, usageError } from "../config/UsageError.ts"

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
const fullName = (name: string): Result.Result<string, UsageError> => {
  const names = [...Object.keys(replayFlags), ...parserFlags]
  if (names.includes(name)) return Result.succeed(name)
  const candidates = names.filter((candidate) => candidate.startsWith(name))
  if (candidates.length <= 1) return Result.succeed(candidates[0] ?? name)
  return Result.fail(
    usageError(`--${name}`, "is ambiguous", `could be ${candidates.map((candidate) => `--${candidate}`).join(", ")}`)
  )
}

const takesValue = (name: string): boolean =>
  isFlagName(name) ? replayFlags[name].kind !== "switch" : name === "completions"

/** Whether a word can only be a value: not a flag, or a negative number. */
const isValue = (word: string): boolean => !word.startsWith("-") || word === "-" || negativeNumber.test(word)

/** The words, flags first as `--name=value`, each flag once; everything that is not understood is left to the parser. */
export const normaliseReplayArgv = (words: ReadonlyArray<string>): Result.Result<ReadonlyArray<string>, UsageError> => {
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
    const resolved = fullName(given)
    if (Result.isFailure(resolved)) return Result.fail(resolved.failure)
    const name = resolved.success
    let written = value
    if (written === undefined && takesValue(name)) {
      written = index + 1 < last ? words[index + 1] : undefined
      if (written === undefined || !isValue(written)) return Result.fail(usageError(`--${name}`, "needs a value"))
      index += 1
    }
    flags.set(name, written === undefined ? `--${name}` : `--${name}=${written}`)
  }
  return Result.succeed([...flags.values(), ...files, ...(end < 0 ? [] : words.slice(end))])
}

/** Normalises what follows the subcommand `replay`; the words of anything else are left alone. */
export const normaliseArgv = (argv: ReadonlyArray<string>): Result.Result<ReadonlyArray<string>, UsageError> => {
  const [command, ...words] = argv
  if (command !== "replay") return Result.succeed(argv)
  return Result.map(normaliseReplayArgv(words), (normal) => ["replay", ...normal])
}
