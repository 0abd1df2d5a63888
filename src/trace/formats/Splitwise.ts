/** Request traces of the simulator splitwise-sim. */
import { openTableFormat } from "./TableFormat.ts"

export const openSplitwise = openTableFormat({
  title: "a splitwise trace",
  timestamp: ["arrival_timestamp"],
  inputTokens: ["prompt_size"],
  outputTokens: ["token_size"],
  timeForm: "s",
  withoutOutput: "refused"
})
