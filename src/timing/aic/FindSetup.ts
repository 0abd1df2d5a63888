/** Finds the setup for a set of `aic_*` arguments: built from the shipped data, or taken from a bundle made for just these. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { AicBundle } from "../bundle/AicBundle.ts"
import { modelConfig, shippedTables, systemConstants } from "./AicData.ts"
import { AicError } from "./AicError.ts"
import type { AicModelArgs, AicSetup } from "./AicSetup.ts"
import { modelShape } from "./ModelConfig.ts"
import { opLists } from "./OpList.ts"
import { checkParallelSizes, type ParallelSizes } from "./ParallelSizes.ts"
import { quantisation, type QuantOverrides } from "./Quantisation.ts"

const defaultSystem = "h200_sxm"
/** The versions whose tables the reference takes when none is named. */
const defaultVersions: Readonly<Record<string, string>> = { vllm: "0.19.0", sglang: "0.5.10", trtllm: "1.3.0rc10" }

const backendVersion = (args: AicModelArgs): Effect.Effect<string, AicError> => {
  const version = args.backendVersion ?? defaultVersions[args.backend]
  return version === undefined
    ? Effect.fail(
        new AicError({
          where: "aic_backend",
          problem: `unknown backend '${args.backend}'`,
          advice: `known: ${Object.keys(defaultVersions).join(", ")}`
        })
      )
    : Effect.succeed(version)
}

const parallelSizes = (args: AicModelArgs): ParallelSizes => ({
  tp: args.tpSize,
  moeTp: args.moeTpSize ?? 1,
  moeEp: args.moeEpSize ?? 1,
  attentionDp: args.attentionDpSize
})

const shippedSetup = Effect.fnUntraced(function* (args: AicModelArgs) {
  if (args.modelPath === undefined) {
    return yield* new AicError({
      where: "aic_model_path",
      problem: "AIC needs a model",
      advice: "give a shipped model id or a folder with a config.json"
    })
  }
  const systemName = args.system ?? defaultSystem
  const version = yield* backendVersion(args)
  const system = yield* systemConstants(systemName)
  const { config, id } = yield* modelConfig(args.modelPath)
  const shape = yield* modelShape(id, config)
  const overrides: QuantOverrides = args
  const quant = yield* quantisation(shape, config, overrides, args.backend)
  const sizes = parallelSizes(args)
  yield* checkParallelSizes(shape, quant, sizes)
  const setup: AicSetup = {
    source: `AIC (ai-dynamo 1.3.1 evaluation, ${systemName} ${args.backend} ${version}, ${id})`,
    backend: args.backend,
    system,
    sizes,
    shape,
    kvCacheQuant: quant.kvCache,
    lists: opLists(shape, quant, sizes, args.backend),
    tables: shippedTables(systemName, args.backend, version)
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
 * The setup for some arguments: the first bundle made for them, else the shipped data. Arguments that are not given
 * take the bundle's value.
 */
export const aicSetup = (
  args: AicModelArgs,
  bundles: ReadonlyArray<AicBundle> = []
): Effect.Effect<AicSetup, AicError, FileSystem.FileSystem | Path.Path> => {
  const bundle = bundles.find((candidate) => candidate.differences(args).length === 0)
  if (bundle !== undefined) return Effect.succeed(bundle.setup)
  if (bundles.length === 0) return shippedSetup(args)
  const explained = explain(bundles.map((each) => `${each.file}: ${each.differences(args).join(", ")}`))
  return Effect.map(explained(shippedSetup(args)), (setup) => ({ ...setup, tables: explained(setup.tables) }))
}
