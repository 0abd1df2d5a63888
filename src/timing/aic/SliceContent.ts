/** What a slice can time, from the names of its sections: families of models, and formats of their weights. */
import type { ModelFamily } from "./ModelConfig.ts"
import { sectionFamily } from "./PerfTables.ts"
import { quantNames } from "./QuantMode.ts"

export interface SliceContent {
  readonly families: ReadonlyArray<ModelFamily>
  /** Formats that matrix products, and experts, were measured in. */
  readonly weightFormats: ReadonlyArray<string>
  readonly expertFormats: ReadonlyArray<string>
}

/** The formats of a family's sections that a model may be given, in a fixed order. */
const formatsOf = (sectionNames: ReadonlyArray<string>, family: string, known: ReadonlyArray<string>) =>
  known.filter((format) => sectionNames.includes(`${family}/${format}`))

const needs: Readonly<Record<ModelFamily, (families: ReadonlySet<string>, backend: string) => boolean>> = {
  dense: (has) => has.has("gemm") && has.has("context_attention") && has.has("generation_attention"),
  moe: (has, backend) => needs.dense(has, backend) && has.has("moe") && backend !== "trtllm",
  mla: (has, backend) =>
    backend !== "trtllm"
    && has.has("gemm")
    && has.has("moe_power_law_1.01")
    && (has.has("mla_context_module")
      || (backend === "vllm" && needs.dense(has, backend))
      || (backend === "sglang" && has.has("context_mla") && has.has("generation_mla") && has.has("mla_bmm")))
}

const allFamilies: ReadonlyArray<ModelFamily> = ["dense", "moe", "mla"]

/** What the sections of a backend's slice amount to. */
export const sliceContent = (backend: string, sectionNames: ReadonlyArray<string>): SliceContent => {
  const has = new Set(sectionNames.map(sectionFamily))
  return {
    families: allFamilies.filter((family) => needs[family](has, backend)),
    weightFormats: formatsOf(sectionNames, "gemm", quantNames.gemm),
    expertFormats: formatsOf(sectionNames, "moe", quantNames.moe)
  }
}
