/** What AIC timing can be told: which model, on which system, how it is spread over GPUs and quantised. */
import { integer, oneOf, text } from "../../settings/Kind.ts"
import { optional, type Values } from "../../settings/Setting.ts"
import { expertTokens } from "./OpPlan.ts"

const gpus = integer(1, 65536)
const whenTimed = { needs: "aic" } as const

/** Written `aic_…` among engine arguments and `--aic-…` for the router's estimates. */
export const aicSettings = {
  backend: optional(
    oneOf(["vllm", "sglang", "trtllm"]),
    undefined,
    "Serving backend whose kernels were measured; asks for AIC timing"
  ),
  system: optional(text, undefined, "GPU system, such as h200_sxm", whenTimed),
  backendVersion: optional(text, undefined, "Version of the backend", whenTimed),
  modelPath: optional(text, undefined, "Model, such as Qwen/Qwen3-32B, or a folder with its config.json", whenTimed),
  tpSize: optional(gpus, 1, "Tensor parallel size"),
  moeTpSize: optional(gpus, undefined, "Tensor parallel size of the experts", whenTimed),
  moeEpSize: optional(gpus, undefined, "Expert parallel size", whenTimed),
  attentionDpSize: optional(gpus, 1, "Data parallel size of attention"),
  gemmDtype: optional(text, undefined, "Type of GEMMs; that of the model by default", whenTimed),
  moeDtype: optional(text, undefined, "Type of the experts; that of the model by default", whenTimed),
  fmhaDtype: optional(text, undefined, "Type of attention; that of the model by default", whenTimed),
  kvCacheDtype: optional(text, undefined, "Type of the KV cache; that of the model by default", whenTimed),
  commDtype: optional(text, undefined, "Type of communication; that of the model by default", whenTimed),
  moeTokens: optional(
    oneOf(expertTokens),
    undefined,
    "Whose tokens experts are timed for under attention data parallelism: of one rank, as ai-dynamo 1.3.1 does, or of all; "
      + "one_rank by default",
    whenTimed
  ),
  nextnCost: optional(
    oneOf(["none", "modelled"]),
    undefined,
    "Whether draft tokens (aic_nextn) take time and memory: none, as in ai-dynamo 1.3.1, or modelled; none by default",
    whenTimed
  )
}

type AicValues = Values<typeof aicSettings>

/** The arguments that decide an AIC model; those of an engine and the router's own alike. */
export interface AicModelArgs extends Omit<AicValues, "backend"> {
  readonly backend: string
}

/** The `aic_*` arguments of one engine. */
export interface AicArgs extends AicModelArgs {
  /** `num_gpu_blocks` was not given: the KV pool has the size that the model leaves room for. */
  readonly sizesKvPool: boolean
}
