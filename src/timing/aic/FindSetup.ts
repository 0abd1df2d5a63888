/** Finds the setup for a set of `aic_*` arguments: built from the tables at hand, or taken from a bundle made for just these. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { AicBundle } from "../bundle/AicBundle.ts"
import type { TimingTables } from "../Timing.ts"
import { AicError } from "./AicError.ts"
import type { AicModelArgs } from "./AicArgs.ts"
import type { AicSetup, KvShape } from "./AicSetup.ts"
import { backends, newest, usualVersion } from "./BackendVersions.ts"
import { modelConfig } from "./KnownModels.ts"
import { modelShape, type ModelShape } from "./ModelConfig.ts"
import { opLists } from "./OpList.ts"
import { checkParallelSizes, type ParallelSizes } from "./ParallelSizes.ts"
import { quantisation } from "./Quantisation.ts"
import type { TableFile } from "./TableFile.ts"
import { shortHash } from "./TableHeader.ts"
import { missingSlice, openSlice, type Slice, type SliceName, slices, systemConstants } from "./TableSlices.ts"

const defaultSystem = "h200_sxm"
/** The version of a backend to take where none is named: the reference's, else the newest that the system has. */
const defaultVersion = (backend: string, system: string, at: ReadonlyArray<Slice>): string | undefined => {
  const usual = usualVersion(backend)
  const versions = at
    .filter((slice) => slice.system === system && slice.backend === backend)
    .map((each) => each.version)
  return usual === undefined || versions.includes(usual) ? usual : (newest(versions) ?? usual)
}

const unknownBackend = (backend: string) =>
  Effect.fail(
    new AicError({
      where: "aic_backend",
      problem: `unknown backend '${backend}'`,
      advice: `known: ${backends.join(", ")}`
    })
  )

/** The slice that some arguments name, and the slices there are. */
const sliceFor = Effect.fnUntraced(function* (args: AicModelArgs) {
  const at = yield* slices
  const system = args.system ?? defaultSystem
  const version = args.backendVersion ?? defaultVersion(args.backend, system, at)
  if (version === undefined) return yield* unknownBackend(args.backend)
  const wanted: SliceName = { system, backend: args.backend, version }
  const found = at.find(
    (slice) => slice.system === system && slice.backend === args.backend && slice.version === version
  )
  return { at, wanted, found }
})

const parallelSizes = (args: AicModelArgs): ParallelSizes => ({
  tp: args.tpSize,
  moeTp: args.moeTpSize ?? 1,
  moeEp: args.moeEpSize ?? 1,
  attentionDp: args.attentionDpSize
})

const kvShape = (shape: ModelShape): KvShape => {
  const { activations, headDim, heads, hidden, kvHeads, latent, layers, moe } = shape
  return {
    activations,
    headDim,
    heads,
    kvHeads,
    layers,
    latent:
      latent === undefined || moe === undefined
        ? undefined
        : { kvDim: latent.kvDim, hidden, experts: moe.experts, topk: moe.topk }
  }
}

const tablesOf = ({ header: { sha256, source } }: TableFile): TimingTables => ({ origin: source.origin, sha256 })

const oneRankOnly = (ranks: number): string =>
  `expert layers are priced for the tokens of one of ${ranks} attention-parallel ranks, as ai-dynamo 1.3.1 does; `
  + 'aic_moe_tokens "all_ranks" prices those of all ranks'

const tableSetup = Effect.fnUntraced(function* (args: AicModelArgs) {
  if (args.modelPath === undefined) {
    return yield* new AicError({
      where: "aic_model_path",
      problem: "AIC needs a model",
      advice: "give a shipped model id or a folder with a config.json"
    })
  }
  const { at, found, wanted } = yield* sliceFor(args)
  const file = found === undefined ? undefined : yield* openSlice(found)
  const system = file?.header.constants ?? (yield* systemConstants(wanted.system))
  const { config, id } = yield* modelConfig(args.modelPath)
  const shape = yield* modelShape(id, config)
  const quant = yield* quantisation(shape, config, args, args.backend)
  const sizes = parallelSizes(args)
  yield* checkParallelSizes(shape, quant, sizes)
  const expertTokens = args.moeTokens ?? "one_rank"
  const perRank = shape.moe !== undefined && sizes.attentionDp > 1 && expertTokens === "one_rank"
  const tableFile = file === undefined ? undefined : tablesOf(file)
  const tables = tableFile === undefined ? "" : `, tables ${shortHash(tableFile.sha256)} of ${tableFile.origin}`
  const setup: AicSetup = {
    source: `AIC (ai-dynamo 1.3.1 evaluation, ${wanted.system} ${wanted.backend} ${wanted.version}, ${id}${tables})`,
    backend: args.backend,
    system,
    sizes,
    shape: kvShape(shape),
    kvCacheQuant: quant.kvCache,
    lists: opLists({ shape, quant, sizes, backend: args.backend, expertTokens }),
    tableFile,
    countsDrafts: args.nextnCost === "modelled",
    wayOut: `dynosim aic list --model ${id} shows where it can be timed; or bring a bundle (--aic-bundle)`,
    notes: [...quant.notes, ...(perRank ? [oneRankOnly(sizes.attentionDp)] : [])],
    tables: file === undefined ? Effect.fail(missingSlice(wanted, at)) : Effect.succeed(file.tables)
  }
  return setup
})

/** Adds to an error how near the bundles came. */
const explain =
  (nearMisses: ReadonlyArray<string>) =>
  <A, R>(self: Effect.Effect<A, AicError, R>) =>
    Effect.mapError(
      self,
      ({ advice, problem, where }) =>
        new AicError({
          where,
          problem,
          advice: [...(advice === undefined ? [] : [advice]), `no bundle fits: ${nearMisses.join("; ")}`].join("; ")
        })
    )

/**
 * The setup for some arguments: the first bundle made for them, else the tables at hand. Arguments that are not given
 * take the bundle's value.
 */
export const aicSetup = (
  args: AicModelArgs,
  bundles: ReadonlyArray<AicBundle> = []
): Effect.Effect<AicSetup, AicError, FileSystem.FileSystem | Path.Path> => {
  const bundle = bundles.find((candidate) => candidate.differences(args).length === 0)
  if (bundle !== undefined) return Effect.succeed({ ...bundle.setup, countsDrafts: args.nextnCost === "modelled" })
  if (bundles.length === 0) return tableSetup(args)
  const explained = explain(bundles.map((each) => `${each.file}: ${each.differences(args).join(", ")}`))
  return Effect.map(explained(tableSetup(args)), (setup) => ({ ...setup, tables: explained(setup.tables) }))
}
