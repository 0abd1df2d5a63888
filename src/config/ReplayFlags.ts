/**
 * Every option of a replay: its name on the command line and in a configuration file, what it takes, what it means.
 *
 * One list serves the command (flags, help, completions), the configuration file (known keys) and {@link readGivenOptions}.
 * Names, defaults and units are the reference's (ai-dynamo 1.3.1), apart from `seed`, `tie-break`, `config` and `quiet`.
 */

export type FlagKind = "integer" | "number" | "text" | "path" | "json" | "choice" | "switch"

interface FlagSpec {
  readonly kind: FlagKind
  /** Of a `choice`. */
  readonly choices?: ReadonlyArray<string>
  /** What leaving it out means, for the help; not shown when leaving it out simply means none. */
  readonly default?: string
  readonly description: string
}

export const traceFormats = [
  "mooncake",
  "mooncake-delta",
  "agentic_mooncake",
  "applied_compute_agentic",
  "dynamo"
] as const
export const replayModes = ["offline", "online"] as const
export const routerModes = ["round_robin", "kv_router"] as const
export const tieBreaks = ["random", "lowest"] as const

export const replayFlags = {
  "trace-format": {
    kind: "choice",
    choices: traceFormats,
    default: "mooncake",
    description: "Format of the trace files"
  },
  "trace-block-size": {
    kind: "integer",
    default: "512; dynamo: as the trace says",
    description: "Prompt tokens that one hash id of the trace stands for"
  },
  "trace-shared-prefix-ratio": {
    kind: "number",
    default: "0",
    description: "applied_compute_agentic: share of each initial prompt that its prefix group has in common, 0 to 1"
  },
  "trace-num-prefix-groups": {
    kind: "integer",
    default: "0, off",
    description: "applied_compute_agentic: number of prefix groups"
  },
  "input-tokens": { kind: "integer", description: "Synthetic load: prompt tokens of every request" },
  "output-tokens": { kind: "integer", description: "Synthetic load: tokens that every request generates" },
  "request-count": {
    kind: "integer",
    description: "Synthetic load: number of requests; of sessions with --turns-per-session above 1"
  },
  "arrival-interval-ms": {
    kind: "number",
    default: "1",
    description: "Synthetic load: milliseconds between two arrivals"
  },
  "turns-per-session": { kind: "integer", default: "1", description: "Synthetic load: turns of every session" },
  "shared-prefix-ratio": {
    kind: "number",
    default: "0",
    description: "Synthetic load: share of each prompt that its prefix group has in common, 0 to 1"
  },
  "num-prefix-groups": { kind: "integer", default: "0, off", description: "Synthetic load: number of prefix groups" },
  "inter-turn-delay-ms": {
    kind: "number",
    default: "0",
    description: "Synthetic load: milliseconds from the end of a turn to the next turn of its session"
  },
  "num-workers": { kind: "integer", default: "1", description: "Workers of an aggregated run" },
  "num-prefill-workers": { kind: "integer", default: "1", description: "Prefill workers of a disaggregated run" },
  "num-decode-workers": { kind: "integer", default: "1", description: "Decode workers of a disaggregated run" },
  "extra-engine-args": { kind: "json", description: "Engine arguments of an aggregated run, a JSON object" },
  "prefill-engine-args": {
    kind: "json",
    description: "Engine arguments of the prefill workers, a JSON object with \"worker_type\": \"prefill\""
  },
  "decode-engine-args": {
    kind: "json",
    description: "Engine arguments of the decode workers, a JSON object with \"worker_type\": \"decode\""
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
  "seed": {
    kind: "integer",
    default: "fixed",
    description: "Seed of the router's ties and softmax draws, and of the sessions' prefix groups in synthetic load"
  },
  "tie-break": {
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
    description: "Where the report goes; an existing directory gets a file of the default name"
  },
  "report-jsonl": { kind: "path", description: "Also write one JSON object per request to this file" },
  "sla-ttft-ms": { kind: "number", description: "Goodput: longest time to first token of a good request, milliseconds" },
  "sla-itl-ms": { kind: "number", description: "Goodput: longest mean inter-token latency of a good request, milliseconds" },
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
  "planner-config": { kind: "text", description: "Planner in the loop: its configuration, a file or inline" },
  "benchmark-granularity": { kind: "integer", default: "8", description: "Planner: granularity of its benchmarks" },
  "config": { kind: "path", description: "File with options, JSON or YAML; options on the command line win" },
  "quiet": { kind: "switch", description: "No progress line and no notices on standard error" }
} as const satisfies Record<string, FlagSpec>

export type FlagName = keyof typeof replayFlags

/** Names of the flags of one kind. */
export type FlagNameOf<Kind extends FlagKind> = {
  readonly [Name in FlagName]: (typeof replayFlags)[Name]["kind"] extends Kind ? Name : never
}[FlagName]

/** Names with their specification, in the order of the help. */
export const flagSpecs: ReadonlyArray<readonly [name: string, spec: FlagSpec]> = Object.entries(replayFlags)

export const isFlagName = (name: string): name is FlagName => Object.hasOwn(replayFlags, name)
