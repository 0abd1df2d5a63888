/**
 * What a run is kept under: the SHA-256 of all that decides its bytes, namely the behaviour profile, the version, the resolved options, and
 * the content of every file that it reads, measured tables among them.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import { makeSha256 } from "../host/Node.ts"
import type { Condition } from "../report/Condition.ts"
import { behaviourProfile } from "../report/Report.ts"
import { version } from "../report/Version.ts"
import { sideFiles, traceFiles } from "../run/InputFiles.ts"
import { optionsJson } from "../run/OptionsJson.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { enginesOf } from "../run/WorkerGroups.ts"
import { reasonOf } from "../settings/FileProblem.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import { slices } from "../timing/aic/TableSlices.ts"
import { SweepInputError } from "./SweepError.ts"

const sha256 = (content: string | Uint8Array): string => {
  const hash = makeSha256?.()
  if (hash === undefined) throw new Error("a sweep names its runs by SHA-256, which this platform has not")
  return hash.update(content).digest("hex")
}

/** What a run is kept under that was stopped because it broke one of these constraints. */
export const stoppedIdOf = (id: string, constraints: ReadonlyArray<Condition>): string =>
  sha256(canonicalText({ stopped: id, constraints: constraints.map(({ text }) => text) }))

export type CellIds = (options: ReplayOptions) => Effect.Effect<string, AicError | SweepInputError>

/** Makes ids; every file is read once, however many runs read it. */
export const cellIds: Effect.Effect<CellIds, never, FileSystem.FileSystem | Path.Path> = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const hashes = new Map<string, Effect.Effect<string, SweepInputError>>()
  const readAndHash = (what: string, file: string) =>
    files.readFile(file).pipe(
      Effect.mapBoth({
        onFailure: (error) => new SweepInputError({ what, file, problem: reasonOf(error) }),
        onSuccess: sha256
      })
    )
  // Several runs may ask for a file before it is read.
  const hashOf = Effect.fnUntraced(function* (what: string, file: string) {
    const hash = hashes.get(file) ?? (yield* Effect.cached(readAndHash(what, file)))
    hashes.set(file, hash)
    return yield* hash
  })
  // Tables that the user has imported; those of the package are the version's.
  const tables = yield* Effect.cached(
    Effect.flatMap(slices, (all) =>
      Effect.forEach(
        all.filter(({ imported }) => imported),
        ({ file }) => hashOf("the table file", file)
      )
    )
  )
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const usesTables = ({ deployment, routing }: ReplayOptions): boolean =>
    routing.prefillEstimate !== undefined || enginesOf(deployment).some(({ aic }) => aic !== undefined)
  return Effect.fnUntraced(function* (options) {
    const read = [...traceFiles(options), ...sideFiles(options)]
    const inputs = yield* Effect.forEach(read, ({ path, what }) => hashOf(what, path))
    const imported = usesTables(options) ? yield* Effect.provideContext(tables, context) : []
    const decisive = { profile: behaviourProfile, version, options: optionsJson(options), inputs, imported }
    return sha256(canonicalText(decisive))
  })
})

/** JSON with sorted keys, so that the order in which options were given makes no difference. */
const canonicalText = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item
  )
