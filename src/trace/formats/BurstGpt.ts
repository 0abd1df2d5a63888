/** BurstGPT: seconds, failed requests as those without a response, and, in its later versions, sessions. */
import { openTableFormat } from "./TableFormat.ts"

export const openBurstGpt = openTableFormat({
  title: "a BurstGPT trace",
  timestamp: ["Timestamp"],
  inputTokens: ["Request tokens"],
  outputTokens: ["Response tokens"],
  session: ["Session ID"],
  annotations: { model: ["Model"], log_type: ["Log Type"], observed_e2e_s: ["Elapsed time"] },
  timeForm: "s",
  withoutOutput: "left out"
})
