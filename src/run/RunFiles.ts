/** What decides a run beside its options and its load, read from files: the router's policy, and AIC data that is not shipped. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { ReplayOptions } from "./ReplayOptions.ts"
import { enginesOf } from "./WorkerGroups.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import type { PolicyFileError } from "../router/kv/PolicyFileError.ts"
import type { PolicyProfile } from "../router/kv/PolicyProfile.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import type { AicModelArgs } from "../timing/aic/AicArgs.ts"
import type { AicBundle } from "../timing/bundle/AicBundle.ts"
import { readTextFile } from "../settings/TextFile.ts"

export interface RunFiles {
  /** What the policy file says about the model, if anything. */
  readonly policyProfile: PolicyProfile | undefined
  /** In the order given. */
  readonly bundles: ReadonlyArray<AicBundle>
}

export const readRunFiles = Effect.fnUntraced(function* ({
  aicBundles,
  routing: { modelName, policyFile }
}: Pick<ReplayOptions, "aicBundles" | "routing">): Effect.fn.Return<
  RunFiles,
  AicError | PolicyFileError | UsageError,
  FileSystem.FileSystem
> {
  return {
    policyProfile: policyFile === undefined ? undefined : yield* readPolicyFile(policyFile, modelName),
    bundles: aicBundles.length === 0 ? [] : yield* readBundles(aicBundles)
  }
})

const readPolicyFile = Effect.fnUntraced(function* (
  file: string,
  modelName: string | undefined
): Effect.fn.Return<PolicyProfile | undefined, PolicyFileError | UsageError, FileSystem.FileSystem> {
  const text = yield* readTextFile(file, (reason) =>
    usageError("--router-policy-config", `cannot read ${file}: ${reason}`)
  )
  const { parsePolicyFile, profileFor } = yield* Effect.promise(() => import("../router/kv/PolicyFile.ts"))
  return profileFor(yield* Effect.fromResult(parsePolicyFile(file, text)), modelName)
})

const readBundles = Effect.fnUntraced(function* (files: ReadonlyArray<string>) {
  const { loadAicBundle } = yield* Effect.promise(() => import("../timing/bundle/AicBundle.ts"))
  return yield* Effect.forEach(files, (file) => loadAicBundle(file))
})

/** The AIC models that a run asks for: of its engines, and of its router. */
const aicModelsOf = ({
  deployment,
  routing
}: Pick<ReplayOptions, "deployment" | "routing">): ReadonlyArray<AicModelArgs> => {
  const engines = enginesOf(deployment)
  return [...engines.map(({ aic }) => aic), routing.prefillEstimate].filter((args) => args !== undefined)
}

/** Bundles that none of the models of a run was found in, and why: a sentence each. */
export const unusedBundles = (
  options: Pick<ReplayOptions, "deployment" | "routing">,
  { bundles }: RunFiles
): ReadonlyArray<string> => {
  const models = aicModelsOf(options)
  return bundles.flatMap(({ differences, file }) => {
    const [nearest, ...others] = models.map(differences).toSorted((a, b) => a.length - b.length)
    if (nearest === undefined) return [`--aic-bundle: ${file} is not used, because nothing asks for AIC (aic_backend)`]
    const used = [nearest, ...others].some((difference) => difference.length === 0)
    return used ? [] : [`--aic-bundle: ${file} is not used: ${nearest.join(", ")}`]
  })
}
