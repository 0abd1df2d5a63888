/** Logs of an OpenAI-compatible server or proxy: a response with its `usage` per line, `created` in Unix seconds. */
import { openTableFormat } from "./TableFormat.ts"

export const openUsage = openTableFormat({
  title: "a log with usage",
  timestamp: ["created", "response.created", "timestamp"],
  inputTokens: ["usage.prompt_tokens", "usage.input_tokens", "response.usage.prompt_tokens"],
  outputTokens: ["usage.completion_tokens", "usage.output_tokens", "response.usage.completion_tokens"],
  annotations: { model: ["model", "response.model"] },
  timeForm: "s",
  withoutOutput: "left out"
})
