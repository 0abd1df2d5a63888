/** Where the data of the AIC model lies: what came with the package, and what the user has imported. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { reasonOf } from "../../settings/FileProblem.ts"
import { AicError } from "./AicError.ts"

/** From the bundled command (`bundle/`), then from a module of `src/timing/aic/` or `dist/timing/aic/`. */
const shippedFolders = ["../data/aic/", "../../../data/aic/"]
/** Present in every shipped data folder. */
const marker = "systems.json"

/** The error for a file that cannot be read or does not hold what it should. */
export const unreadable =
  (where: string) =>
  (cause: PlatformError.PlatformError | Schema.SchemaError): AicError =>
    new AicError({ where, problem: Schema.isSchemaError(cause) ? cause.message : `cannot be read: ${reasonOf(cause)}` })

/** Folder of the shipped data, wherever the package's code runs from. */
export const shippedFolder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (const relative of shippedFolders) {
    const folder = yield* Effect.orDie(path.fromFileUrl(new URL(relative, import.meta.url)))
    if (yield* Effect.orElseSucceed(fs.exists(path.join(folder, marker)), () => false)) return folder
  }
  return yield* new AicError({
    where: "data/aic",
    problem: "the AIC data of this package is missing",
    advice: "reinstall the package"
  })
})

const variable = (name: string) => Effect.orDie(Config.String(name).pipe(Config.withDefault("")))

/**
 * Folder of what the user has imported, `undefined` where the environment names none: `aic` in `DYNOSIM_DATA`, else in
 * `dynosim` in `XDG_DATA_HOME` or `~/.local/share`. It need not exist.
 */
export const userFolder = Effect.gen(function* () {
  const path = yield* Path.Path
  const own = yield* variable("DYNOSIM_DATA")
  if (own !== "") return path.join(own, "aic")
  const shared = yield* variable("XDG_DATA_HOME")
  if (shared !== "") return path.join(shared, "dynosim", "aic")
  const home = yield* variable("HOME")
  return home === "" ? undefined : path.join(home, ".local", "share", "dynosim", "aic")
})
