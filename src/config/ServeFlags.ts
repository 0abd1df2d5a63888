/** Every option of `dynosim serve`: those of the server are its settings, those of the deployment a replay's. */
import { serveSettings } from "../serve/ServeOptions.ts"
import { flagOf, type FlagTable } from "./FlagSpec.ts"
import { replayFlags } from "./ReplayFlags.ts"

export const serveFlags = {
  host: flagOf(serveSettings.host),
  "allow-host": flagOf(serveSettings.allowedHosts),
  "allow-origin": flagOf(serveSettings.allowedOrigins),
  port: flagOf(serveSettings.port),
  "served-model-name": flagOf(serveSettings.modelName),
  "max-model-len": { ...flagOf(serveSettings.maxContextTokens), default: "a worker's KV pool" },
  "default-output-tokens": flagOf(serveSettings.defaultOutputTokens),
  "max-concurrent-requests": flagOf(serveSettings.maxConcurrentRequests),
  "max-body-bytes": flagOf(serveSettings.maxBodyBytes),
  "request-timeout-seconds": flagOf(serveSettings.requestTimeoutSeconds),
  "client-timeout-seconds": flagOf(serveSettings.clientTimeoutSeconds),
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
