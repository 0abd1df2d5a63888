/** Finds script and style of the page, wherever the package's code runs from. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { usageError } from "../settings/SettingsError.ts"
import type { PageAssets } from "./ReportPage.ts"

/** From the bundled command (`bundle/`), then from a module of `src/html/` or `dist/html/`. */
const folders = ["../data/html/", "../../data/html/"]

export const pageAssets = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (const relative of folders) {
    const folder = yield* Effect.orDie(path.fromFileUrl(new URL(relative, import.meta.url)))
    const read = (name: string) => files.readFileString(path.join(folder, name))
    const found = yield* Effect.option(Effect.all({ script: read("page.js"), style: read("page.css") }))
    if (found._tag === "Some") return found.value satisfies PageAssets
  }
  return yield* usageError(
    "data/html",
    "is missing in this package, and pages need it",
    "build the package, or reinstall it"
  )
})
