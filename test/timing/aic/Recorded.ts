/** Recorded AIC results for tests, and the arguments they were recorded with. */
import { readdirSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import type { AicModelArgs } from "../../../src/timing/aic/AicSetup.ts"

const folder = new URL("../../golden/aic/", import.meta.url)

export interface RecordedConfig {
  readonly model: string
  readonly system: string
  readonly backend: string
  readonly backend_version: string
  readonly tp_size: number
  readonly moe_tp_size?: number
  readonly moe_ep_size?: number
  readonly attention_dp_size?: number
}

export interface RecordedSamples {
  readonly config: RecordedConfig
  /** `[batch, new tokens, prefix tokens, ms]`. */
  readonly prefill: ReadonlyArray<readonly [number, number, number, number]>
  /** `[batch, context tokens, ms]`. */
  readonly decode: ReadonlyArray<readonly [number, number, number]>
}

export const readGolden = <A>(name: string): A => {
  const bytes = readFileSync(new URL(name, folder))
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
  ...changes
})

export const argsOf = (config: RecordedConfig): AicModelArgs =>
  aicArgs({
    backend: config.backend,
    system: config.system,
    backendVersion: config.backend_version,
    modelPath: config.model,
    tpSize: config.tp_size,
    moeTpSize: config.moe_tp_size,
    moeEpSize: config.moe_ep_size,
    attentionDpSize: config.attention_dp_size ?? 1
  })
