/** Latent attention and more systems: every recorded call, at the last bits. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync } from "node:fs"
import type { AicError } from "../../../src/timing/aic/AicError.ts"
import type { AicModelArgs } from "../../../src/timing/aic/AicArgs.ts"
import { type AicModel, makeAicModel } from "../../../src/timing/aic/AicModel.ts"
import { aicSetup } from "../../../src/timing/aic/FindSetup.ts"
import { openPublishedData } from "../../../src/timing/aic/import/PublishedData.ts"
import { packSlice } from "../../../src/timing/aic/import/PublishedSlices.ts"
import { openTableFile, type TableFile } from "../../../src/timing/aic/TableFile.ts"
import { type SliceName, slices, sliceName } from "../../../src/timing/aic/TableSlices.ts"
import { argsOf, assertSamples, breadthFolder, publishedTables, readGolden, type RecordedSamples } from "./Recorded.ts"

const names = readdirSync(breadthFolder).filter((name) => name.startsWith("samples_"))

const modelOf = Effect.fnUntraced(function* (args: AicModelArgs) {
  const setup = yield* aicSetup(args)
  return yield* makeAicModel(setup.lists, yield* setup.tables, setup.system)
})

/** Slices read from the published files, each once: several models were recorded on the same one. */
const publishedSlices = new Map<string, TableFile>()

const openPublished = Effect.fnUntraced(function* (slice: SliceName) {
  const name = sliceName(slice)
  const known = publishedSlices.get(name)
  if (known !== undefined) return known
  const data = yield* openPublishedData(publishedTables)
  const file = yield* openTableFile(yield* packSlice(data, slice, { origin: "test", quality: 0 }), name)
  publishedSlices.set(name, file)
  return file
})

/** The model on tables read straight from the published files. */
const modelOfPublished = Effect.fnUntraced(function* (args: AicModelArgs) {
  const file = yield* openPublished({
    system: args.system ?? "",
    backend: args.backend,
    version: args.backendVersion ?? ""
  })
  const setup = yield* aicSetup(args)
  return yield* makeAicModel(setup.lists, file.tables, file.header.constants)
})

/** gpt-oss where its window was measured for one head count or not at all: the reference fails on every decode step. */
const isRefused = (name: string): boolean => /gpt_oss.*(b200|rtxpro)/.test(name)

/** Without `aic_fmha_dtype` the reference has no numbers for a prefill; ours are those of bfloat16. */
const expectedOf = (name: string): RecordedSamples =>
  readGolden<RecordedSamples>(name.replace("_default.json", ".json"), breadthFolder)

const check = Effect.fnUntraced(function* (name: string, model: Effect.Effect<AicModel, AicError>) {
  if (!isRefused(name)) return assertSamples(yield* model, expectedOf(name))
  const { message } = yield* Effect.flip(model)
  assert.match(message, /has too few rows|no performance data for/)
})

const shipped = new Set(
  (await Effect.runPromise(slices.pipe(Effect.provide(NodeServices.layer)))).map((slice) => sliceName(slice))
)

const isShipped = ({ config: { backend, backend_version: version, system } }: RecordedSamples): boolean =>
  shipped.has(sliceName({ system, backend, version }))

describe("recorded calls", () => {
  afterAll(() => publishedSlices.clear())

  for (const name of names) {
    const own = readGolden<RecordedSamples>(name, breadthFolder)
    const args = argsOf(own.config)
    if (isShipped(own)) {
      it.effect(name, () => check(name, Effect.provide(modelOf(args), NodeServices.layer)))
    } else {
      it.effect.skipIf(publishedTables === "")(`${name}, on published tables`, () =>
        check(name, Effect.provide(modelOfPublished(args), NodeServices.layer))
      )
    }
  }
})
