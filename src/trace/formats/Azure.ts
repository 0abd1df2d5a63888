/** Azure LLM inference traces (2023, 2024), and what inference-perf writes with the same columns in another order or case. */
import { openTableFormat } from "./TableFormat.ts"

export const openAzure = openTableFormat({
  title: "an Azure LLM inference trace",
  timestamp: ["TIMESTAMP"],
  inputTokens: ["ContextTokens"],
  outputTokens: ["GeneratedTokens"],
  timeForm: undefined,
  withoutOutput: "left out"
})
