/** Files of text that a user names. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { reasonOf } from "./FileProblem.ts"

const isUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)

/** The whole text; `problem` makes the error of a reason, in the words of a user. A byte order mark is dropped. */
export const readTextFile = <E>(
  file: string,
  problem: (reason: string) => E
): Effect.Effect<string, E, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const bytes = yield* Effect.mapError(files.readFile(file), (error) => problem(reasonOf(error)))
    if (isUtf16(bytes)) return yield* Effect.fail(problem("it is UTF-16 text; save it as UTF-8"))
    return yield* Effect.try({
      try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
      catch: () => problem("it is not UTF-8 text")
    })
  })
