/** BurstGPT: seconds, failed requests as those without a response, and, in its later versions, sessions. Model and log type make the class. */
import { openTableFormat } from "./TableFormat.ts"

export const openBurstGpt = openTableFormat({
  title: "a BurstGPT trace",
  timestamp: ["Timestamp"],
  inputTokens: ["Request tokens"],
  outputTokens: ["Response tokens"],
  session: ["Session ID"],
  classes: [["Model"], ["Log Type"]],
  annotations: { model: ["Model"], log_type: ["Log Type"], observed_e2e_s: ["Elapsed time"] },
  timeForm: "s",
  withoutOutput: "left out"
})
