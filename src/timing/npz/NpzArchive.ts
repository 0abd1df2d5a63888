/** NumPy's `.npz` archives: a zip file with one `.npy` member per array, stored or deflated. */
import * as Result from "effect/Result"
import { unzipSync } from "fflate"
import { type NpyArray, readNpy } from "./NpyArray.ts"

/** A profile has a few thousand numbers; far above that the file is something else. */
const maxArrayBytes = 2 ** 26

export interface ArrayProblem {
  /** Absent when the archive as a whole is at fault. */
  readonly array?: string
  readonly problem: string
}

const unzip = (
  bytes: Uint8Array,
  names: ReadonlyArray<string>
): Result.Result<Record<string, Uint8Array>, ArrayProblem> => {
  const tooLarge: Array<string> = []
  return Result.flatMap(
    Result.try({
      try: () =>
        unzipSync(bytes, {
          filter: ({ name, originalSize }) => {
            if (!names.includes(name)) return false
            if (originalSize > maxArrayBytes) tooLarge.push(name)
            return originalSize <= maxArrayBytes
          }
        }),
      catch: (cause): ArrayProblem => ({
        problem: `not a readable .npz archive: ${cause instanceof Error ? cause.message : String(cause)}`
      })
    }),
    (members) =>
      tooLarge[0] === undefined
        ? Result.succeed(members)
        : Result.fail({ array: tooLarge[0].replace(/\.npy$/, ""), problem: "is too large for a timing profile" })
  )
}

/** The named arrays of an archive; the first problem wins. */
export const readNpz = <Name extends string>(
  bytes: Uint8Array,
  names: ReadonlyArray<Name>
): Result.Result<Record<Name, NpyArray>, ArrayProblem> => {
  const unzipped = unzip(
    bytes,
    names.map((name) => `${name}.npy`)
  )
  if (Result.isFailure(unzipped)) return Result.fail(unzipped.failure)
  const arrays: Partial<Record<Name, NpyArray>> = {}
  for (const name of names) {
    const member = unzipped.success[`${name}.npy`]
    if (member === undefined) return Result.fail({ array: name, problem: "is missing" })
    const array = readNpy(member)
    if (Result.isFailure(array)) return Result.fail({ array: name, problem: array.failure })
    arrays[name] = array.success
  }
  return isComplete(arrays, names) ? Result.succeed(arrays) : Result.fail({ problem: "arrays are missing" })
}

const isComplete = <Name extends string>(
  arrays: Partial<Record<Name, NpyArray>>,
  names: ReadonlyArray<Name>
): arrays is Record<Name, NpyArray> => names.every((name) => arrays[name] !== undefined)
