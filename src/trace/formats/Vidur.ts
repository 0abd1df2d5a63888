/** Request traces of the simulator Vidur; without the column of times, for fixed concurrency. */
import { openTableFormat } from "./TableFormat.ts"

export const openVidur = openTableFormat({
  title: "a Vidur trace",
  timestamp: ["arrived_at"],
  inputTokens: ["num_prefill_tokens"],
  outputTokens: ["num_decode_tokens"],
  timeForm: "s",
  withoutOutput: "refused"
})
