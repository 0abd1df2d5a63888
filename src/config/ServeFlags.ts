/** Every option of `dynosim serve`: those of the deployment are a replay's. */
import { anyCount, filledText, integer, positive, text } from "../settings/Kind.ts"
import type { FlagTable } from "./FlagSpec.ts"
import { replayFlags } from "./ReplayFlags.ts"

const atLeastOne = integer(1, anyCount)
/** Up to the longest time that Node's timers take. */
const timeoutSeconds = positive(0.001, 2_147_483)

export const serveFlags = {
  host: { kind: filledText, default: "127.0.0.1", description: "Address to listen on; there is no authentication" },
  "allow-host": {
    kind: text,
    description:
      "Names, separated by commas, that requests may call the server by beside localhost and its own address; * for any"
  },
  "allow-origin": {
    kind: text,
    description: "Origins, separated by commas, whose web pages may use the server (CORS); * for any"
  },
  port: { kind: integer(0, 65_535), default: "8000", description: "Port to listen on; 0 takes a free one" },
  "served-model-name": { kind: filledText, default: "dynosim", description: "Model name that requests have to give" },
  "max-model-len": {
    kind: atLeastOne,
    default: "a worker's KV pool",
    description: "Prompt and output tokens of one request together, at most"
  },
  "default-output-tokens": {
    kind: atLeastOne,
    default: "128",
    description: "Output tokens of a request that does not say how many it wants"
  },
  "max-concurrent-requests": {
    kind: atLeastOne,
    default: "1024",
    description: "Requests served at a time; further ones get status 429"
  },
  "max-body-bytes": {
    kind: atLeastOne,
    default: "8388608",
    description: "Longest request body; longer ones get status 413"
  },
  "request-timeout-seconds": {
    kind: timeoutSeconds,
    default: "30",
    description: "Time in which a request must have been received whole; slower ones get status 408"
  },
  "client-timeout-seconds": {
    kind: timeoutSeconds,
    default: "30",
    description: "Time in which a client must take what is sent to it; slower ones are disconnected"
  },
  "num-prefill-workers": { ...replayFlags["num-prefill-workers"], description: "Prefill workers when disaggregated" },
  "num-decode-workers": { ...replayFlags["num-decode-workers"], description: "Decode workers when disaggregated" },
  "prefill-engine-args": replayFlags["prefill-engine-args"],
  "decode-engine-args": replayFlags["decode-engine-args"],
  "num-workers": { ...replayFlags["num-workers"], description: "Workers of the deployment" },
  "engine-profile": replayFlags["engine-profile"],
  "extra-engine-args": { ...replayFlags["extra-engine-args"], description: "Engine arguments, a JSON object or @FILE" },
  "router-mode": replayFlags["router-mode"],
  "router-config": replayFlags["router-config"],
  "router-policy-config": replayFlags["router-policy-config"],
  "model-name": replayFlags["model-name"],
  seed: { ...replayFlags.seed, description: "Seed of the router's ties and softmax" },
  "tie-break": replayFlags["tie-break"],
  "aic-backend": replayFlags["aic-backend"],
  "aic-system": replayFlags["aic-system"],
  "aic-backend-version": replayFlags["aic-backend-version"],
  "aic-model-path": replayFlags["aic-model-path"],
  "aic-tp-size": replayFlags["aic-tp-size"],
  "aic-moe-tp-size": replayFlags["aic-moe-tp-size"],
  "aic-moe-ep-size": replayFlags["aic-moe-ep-size"],
  "aic-attention-dp-size": replayFlags["aic-attention-dp-size"],
  "aic-bundle": replayFlags["aic-bundle"],
  quiet: { ...replayFlags.quiet, description: "No notices on standard error" }
} as const satisfies FlagTable
