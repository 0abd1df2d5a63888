/** Recorded AIC results for tests, and the arguments they were recorded with. */
import { assert } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import type { AicModel } from "../../../src/timing/aic/AicModel.ts"
import type { AicModelArgs } from "../../../src/timing/aic/AicArgs.ts"

const folder = new URL("../../golden/aic/", import.meta.url)
/** Recordings of latent attention and of more systems. */
export const breadthFolder = new URL("../../golden/aic-breadth/", import.meta.url)

const published = new URL("../../../../shared/aic/", import.meta.url).pathname
/** The tables as published, where they lie beside the project; else "". */
export const publishedTables = existsSync(published) ? published : ""

export interface RecordedConfig {
  readonly model: string
  readonly system: string
  readonly backend: string
  readonly backend_version: string
  readonly tp_size: number
  readonly moe_tp_size?: number
  readonly moe_ep_size?: number
  readonly attention_dp_size?: number
  readonly gemm_dtype?: string
  readonly moe_dtype?: string
  readonly fmha_dtype?: string
  readonly kv_cache_dtype?: string
}

export interface RecordedSamples {
  readonly config: RecordedConfig
  /** `[batch, new tokens, prefix tokens, ms]`. */
  readonly prefill: ReadonlyArray<readonly [number, number, number, number]>
  /** `[batch, context tokens, ms]`. */
  readonly decode: ReadonlyArray<readonly [number, number, number]>
}

export const readGolden = <A>(name: string, from: URL = folder): A => {
  const bytes = readFileSync(new URL(name, from))
  return JSON.parse((name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"))
}

/** Configurations with recorded samples; those of backends without shipped tables come from bundles. */
export const sampleNames: ReadonlyArray<string> = readdirSync(folder).filter(
  (name) => name.startsWith("samples_") && !name.includes("trtllm")
)

/** Arguments for a model on one GPU of an H200, with changes. */
export const aicArgs = (changes: Partial<AicModelArgs> = {}): AicModelArgs => ({
  backend: "vllm",
  system: undefined,
  backendVersion: undefined,
  modelPath: "meta-llama/Meta-Llama-3.1-8B",
  tpSize: 1,
  moeTpSize: undefined,
  moeEpSize: undefined,
  attentionDpSize: 1,
  gemmDtype: undefined,
  moeDtype: undefined,
  fmhaDtype: undefined,
  kvCacheDtype: undefined,
  commDtype: undefined,
  moeTokens: undefined,
  nextnCost: undefined,
  ...changes
})

/** One model was recorded from a config written by hand. */
const modelPathOf = (model: string): string => (/Kimi-K2-Instruct/.test(model) ? "moonshotai/Kimi-K2-Instruct" : model)

export const argsOf = (config: RecordedConfig): AicModelArgs =>
  aicArgs({
    backend: config.backend,
    system: config.system,
    backendVersion: config.backend_version,
    modelPath: modelPathOf(config.model),
    tpSize: config.tp_size,
    moeTpSize: config.moe_tp_size,
    moeEpSize: config.moe_ep_size,
    attentionDpSize: config.attention_dp_size ?? 1,
    gemmDtype: config.gemm_dtype,
    moeDtype: config.moe_dtype,
    fmhaDtype: config.fmha_dtype,
    kvCacheDtype: config.kv_cache_dtype
  })

const assertExact = (actual: number, expected: number, what: string): void =>
  assert(Math.abs(actual - expected) <= 1e-12 * expected, `${what}: expected ${expected}, got ${actual}`)

/** Every recorded call, at 1e-12. */
export const assertSamples = (model: AicModel, samples: RecordedSamples): void => {
  for (const [batch, newTokens, prefix, ms] of samples.prefill) {
    assertExact(model.prefillMs(batch, newTokens, prefix), ms, `prefill ${batch} x ${newTokens} after ${prefix}`)
  }
  for (const [batch, context, ms] of samples.decode) {
    assertExact(model.decodeMs(batch, context), ms, `decode ${batch} at ${context}`)
  }
}
