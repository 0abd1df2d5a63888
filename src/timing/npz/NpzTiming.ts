/**
 * Timing from a measured profile file (`planner_profile_data`, a `.npz`).
 *
 * A profile that cannot be read is an error: a run on the default model in its place would look like the real thing.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { PlatformError } from "effect/PlatformError"
import * as Result from "effect/Result"
import { reasonOf } from "../../settings/FileProblem.ts"
import { Timing, type TimingModel } from "../Timing.ts"
import { readNpz } from "./NpzArchive.ts"
import { NpzError } from "./NpzError.ts"
import { plannerProfile, profileArrays } from "./PlannerProfile.ts"

/** The timing model of a profile; `file` is what errors call it. */
export const parseProfile = (file: string, bytes: Uint8Array): Result.Result<TimingModel, NpzError> =>
  Result.mapError(
    Result.flatMap(readNpz(bytes, profileArrays), plannerProfile),
    (problem) => new NpzError({ file, ...problem })
  )

const readProfile = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const unreadable = (cause: PlatformError) => new NpzError({ file, problem: `cannot be read: ${reasonOf(cause)}` })
  const info = yield* Effect.mapError(fs.stat(file), unreadable)
  if (info.type === "Directory") {
    return yield* new NpzError({
      file,
      problem: "is a folder of raw profiling results; give the .npz that the profiler makes of them"
    })
  }
  const bytes = yield* Effect.mapError(fs.readFile(file), unreadable)
  return yield* Effect.fromResult(parseProfile(file, bytes))
})

/** Timing from the profile in `file`. */
export const layer = (file: string): Layer.Layer<Timing, NpzError, FileSystem.FileSystem> =>
  Layer.effect(Timing)(
    Effect.map(readProfile(file), (model) => Timing.of({ source: `profile ${file}`, make: () => model }))
  )
