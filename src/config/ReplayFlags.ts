/**
 * Every option of a replay: its name on the command line and in a configuration file, what it takes, what it means.
 *
 * One list serves the command (flags, help, completions), the configuration file (known keys) and {@link readGivenOptions}.
 * Names, defaults and units are the reference's (ai-dynamo 1.3.1), apart from those that are marked as our own.
 */
import type { FlagTable } from "./FlagSpec.ts"
import { syntheticFlags } from "./SyntheticFlags.ts"
import { traceFlags } from "./TraceFlags.ts"

export const replayModes = ["offline", "online"] as const
export const routerModes = ["round_robin", "kv_router"] as const
export const tieBreaks = ["random", "lowest"] as const

export const replayFlags = {
  ...traceFlags,
  ...syntheticFlags,
  "num-workers": { kind: "integer", default: "1", description: "Workers of an aggregated run" },
  "num-prefill-workers": { kind: "integer", default: "1", description: "Prefill workers of a disaggregated run" },
  "num-decode-workers": { kind: "integer", default: "1", description: "Decode workers of a disaggregated run" },
  "extra-engine-args": { kind: "json", description: "Engine arguments of an aggregated run, a JSON object" },
  "prefill-engine-args": {
    kind: "json",
    description: 'Engine arguments of the prefill workers, a JSON object with "worker_type": "prefill"'
  },
  "decode-engine-args": {
    kind: "json",
    description: 'Engine arguments of the decode workers, a JSON object with "worker_type": "decode"'
  },
  "router-mode": {
    kind: "choice",
    choices: routerModes,
    default: "round_robin",
    description: "How requests find a worker"
  },
  "router-config": { kind: "json", description: "Configuration of the KV router, a JSON object" },
  "router-policy-config": {
    kind: "path",
    default: "$DYN_ROUTER_POLICY_CONFIG",
    description: "Policy file (YAML) of the router queue; replaces router_policy_config of --router-config"
  },
  "model-name": { kind: "text", description: "Model whose profile of the policy file applies" },
  seed: {
    own: true,
    kind: "integer",
    default: "42",
    description:
      "Seed of everything drawn: the router's ties and softmax, synthetic arrivals, lengths and prefix groups"
  },
  "tie-break": {
    own: true,
    kind: "choice",
    choices: tieBreaks,
    default: "random",
    description: "Which of equally cheap workers the KV router takes: a seeded draw, or the lowest index"
  },
  "replay-concurrency": {
    kind: "integer",
    default: "open loop",
    description: "Closed loop: so many sessions (synthetic load without sessions: requests) are active at a time"
  },
  "arrival-speedup-ratio": {
    kind: "number",
    default: "1",
    description: "Open loop: arrivals and waits between turns come this many times faster"
  },
  "max-sim-time-seconds": {
    kind: "number",
    description: "Stop at the first event beyond this simulated time, in seconds"
  },
  "replay-mode": {
    kind: "choice",
    choices: replayModes,
    default: "offline",
    description: "offline: in simulated time; online: against the real clock"
  },
  "report-json": {
    kind: "path",
    default: "./dynamo_replay_report_<YYYYMMDD_HHMMSS>.json",
    description: "Where the report goes; an existing directory gets a file of the default name, - is standard output"
  },
  "report-jsonl": {
    kind: "path",
    description: "Also write one JSON object per request to this file; - is standard output"
  },
  "sla-ttft-ms": {
    kind: "number",
    description: "Goodput: longest time to first token of a good request, milliseconds"
  },
  "sla-itl-ms": {
    kind: "number",
    description: "Goodput: longest mean inter-token latency of a good request, milliseconds"
  },
  "sla-e2e-ms": { kind: "number", description: "Goodput: longest end-to-end latency of a good request, milliseconds" },
  "aic-backend": { kind: "text", description: "AIC prefill estimates for the router: serving backend" },
  "aic-system": { kind: "text", description: "AIC prefill estimates: GPU system, such as h200_sxm" },
  "aic-backend-version": { kind: "text", description: "AIC prefill estimates: version of the backend" },
  "aic-model-path": { kind: "text", description: "AIC prefill estimates: model, such as Qwen/Qwen3-32B" },
  "aic-tp-size": { kind: "integer", default: "1", description: "AIC prefill estimates: tensor parallel size" },
  "aic-moe-tp-size": { kind: "integer", description: "AIC prefill estimates: tensor parallel size of the experts" },
  "aic-moe-ep-size": { kind: "integer", description: "AIC prefill estimates: expert parallel size" },
  "aic-attention-dp-size": {
    kind: "integer",
    default: "1",
    description: "AIC prefill estimates: data parallel size of attention"
  },
  "aic-gemm-dtype": { kind: "text", default: "as the model", description: "AIC prefill estimates: type of GEMMs" },
  "aic-moe-dtype": { kind: "text", default: "as the model", description: "AIC prefill estimates: type of the experts" },
  "aic-fmha-dtype": { kind: "text", default: "as the model", description: "AIC prefill estimates: type of attention" },
  "aic-kv-cache-dtype": {
    kind: "text",
    default: "as the model",
    description: "AIC prefill estimates: type of the KV cache"
  },
  "aic-comm-dtype": {
    kind: "text",
    default: "as the model",
    description: "AIC prefill estimates: type of communication"
  },
  "aic-nextn": { kind: "integer", description: "AIC prefill estimates: draft tokens of multi-token prediction" },
  "aic-nextn-accept-rates": {
    kind: "text",
    description: "AIC prefill estimates: acceptance rates of the draft tokens, separated by commas"
  },
  "aic-bundle": {
    own: true,
    kind: "paths",
    description: "AIC data for models, systems or backend versions that are not shipped; may be given several times"
  },
  "planner-config": { kind: "text", description: "Planner in the loop: its configuration, a file or inline" },
  "benchmark-granularity": { kind: "integer", default: "8", description: "Planner: granularity of its benchmarks" },
  config: { own: true, kind: "path", description: "File with options, JSON or YAML; options on the command line win" },
  check: {
    own: true,
    kind: "switch",
    description: "Check the simulation's invariants while running; a violation ends the run as a fault of dynosim"
  },
  quiet: { own: true, kind: "switch", description: "No progress line and no notices on standard error" }
} as const satisfies FlagTable

export type FlagName = keyof typeof replayFlags

export const isFlagName = (name: string): name is FlagName => Object.hasOwn(replayFlags, name)
