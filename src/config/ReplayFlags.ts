/**
 * Every option of a replay: its name on the command line and in a configuration file, what it takes, what it means.
 *
 * One list serves the command (flags, help, completions), the configuration file (known keys) and {@link GivenOptions}.
 * Names, defaults and units are the reference's (ai-dynamo 1.3.1), apart from those that are marked as our own.
 */
import { engineProfiles } from "../engine/EngineProfile.ts"
import { autoscalePolicies } from "../run/ReplayOptions.ts"
import { runSettings } from "../run/RunSettings.ts"
import { anyCount, anyNumber, boolean, integer, oneOf, path, paths, text } from "../settings/Kind.ts"
import { poolSize } from "../simulation/PoolSizes.ts"
import { aicSettings } from "../timing/aic/AicArgs.ts"
import { concurrency } from "../workload/LoadSettings.ts"
import { flagOf, type FlagTable } from "./FlagSpec.ts"
import { jsonObject } from "./JsonObject.ts"
import { outputFlags } from "./OutputFlags.ts"
import { syntheticFlags } from "./SyntheticFlags.ts"
import { traceFlags } from "./TraceFlags.ts"

const atLeastOne = integer(1, anyCount)

/** All options of a run by the names of their flags: kind, default, help text. */
export const replayFlags = {
  ...traceFlags,
  ...syntheticFlags,
  "num-workers": { kind: poolSize, default: "1", description: "Workers of an aggregated run" },
  "num-prefill-workers": { kind: poolSize, default: "1", description: "Prefill workers of a disaggregated run" },
  "num-decode-workers": { kind: poolSize, default: "1", description: "Decode workers of a disaggregated run" },
  "engine-profile": {
    own: true,
    kind: oneOf(engineProfiles),
    default: "dynamo-1.3.1",
    description:
      "Whose scheduling rules engines follow: dynamo-1.3.1 for the reference's simulator, vllm-0.33, vllm-0.25 or vllm-0.17 for that release of vLLM (async_scheduling is on there). Against a real engine, see also the engine arguments decode_cost_by, charge_recompute, kv_events_at, frontend_ms and, for SGLang, sglang_match, sglang_chunk_budget, sglang_prefill_first (docs/accuracy.md)"
  },
  "extra-engine-args": {
    kind: jsonObject,
    description: "Engine arguments of an aggregated run, a JSON object or @FILE"
  },
  "prefill-engine-args": {
    kind: jsonObject,
    description: 'Engine arguments of the prefill workers, a JSON object or @FILE, with "worker_type": "prefill"'
  },
  "decode-engine-args": {
    kind: jsonObject,
    description: 'Engine arguments of the decode workers, a JSON object or @FILE, with "worker_type": "decode"'
  },
  "router-mode": flagOf(runSettings.routerMode),
  "router-config": { kind: jsonObject, description: "Configuration of the KV router, a JSON object or @FILE" },
  "router-policy-config": {
    kind: path,
    default: "$DYN_ROUTER_POLICY_CONFIG",
    description: "Policy file (YAML) of the router queue; replaces router_policy_config of --router-config"
  },
  "model-name": { kind: text, description: "Model whose profile of the policy file applies" },
  seed: { own: true, ...flagOf(runSettings.seed) },
  seeds: {
    own: true,
    kind: integer(2, 1000),
    description: "Run with so many seeds, from --seed on: mean and 95 % interval of every figure"
  },
  "tie-break": { own: true, ...flagOf(runSettings.tieBreak) },
  "replay-concurrency": {
    kind: concurrency,
    default: "open loop",
    description: "Closed loop: so many sessions (synthetic load without sessions: requests) are active at a time"
  },
  "arrival-speedup-ratio": {
    kind: anyNumber,
    default: "1",
    description: "Open loop: arrivals and waits between turns come this many times faster"
  },
  "max-sim-time-seconds": flagOf(runSettings.maxSimTimeSeconds),
  "replay-mode": flagOf(runSettings.replayMode),
  "measure-from": { own: true, ...flagOf(runSettings.measureFrom) },
  "measure-until": { own: true, ...flagOf(runSettings.measureUntil) },
  ...outputFlags,
  "sla-ttft-ms": flagOf(runSettings.slaTtftMs),
  "sla-itl-ms": flagOf(runSettings.slaItlMs),
  "sla-e2e-ms": flagOf(runSettings.slaE2eMs),
  "aic-backend": { kind: text, description: "AIC prefill estimates for the router: serving backend" },
  "aic-system": { kind: text, description: "AIC prefill estimates: GPU system, such as h200_sxm" },
  "aic-backend-version": { kind: text, description: "AIC prefill estimates: version of the backend" },
  "aic-model-path": { kind: text, description: "AIC prefill estimates: model, such as Qwen/Qwen3-32B" },
  "aic-tp-size": {
    kind: aicSettings.tpSize.kind,
    default: "1",
    description: "AIC prefill estimates: tensor parallel size"
  },
  "aic-moe-tp-size": {
    kind: aicSettings.moeTpSize.kind,
    description: "AIC prefill estimates: tensor parallel size of the experts"
  },
  "aic-moe-ep-size": { kind: aicSettings.moeEpSize.kind, description: "AIC prefill estimates: expert parallel size" },
  "aic-attention-dp-size": {
    kind: aicSettings.attentionDpSize.kind,
    default: "1",
    description: "AIC prefill estimates: data parallel size of attention"
  },
  "aic-gemm-dtype": { kind: text, default: "as the model", description: "AIC prefill estimates: type of GEMMs" },
  "aic-moe-dtype": { kind: text, default: "as the model", description: "AIC prefill estimates: type of the experts" },
  "aic-fmha-dtype": { kind: text, default: "as the model", description: "AIC prefill estimates: type of attention" },
  "aic-kv-cache-dtype": {
    kind: text,
    default: "as the model",
    description: "AIC prefill estimates: type of the KV cache"
  },
  "aic-comm-dtype": {
    kind: text,
    default: "as the model",
    description: "AIC prefill estimates: type of communication"
  },
  "aic-nextn": { kind: integer(1, 5), description: "AIC prefill estimates: draft tokens of multi-token prediction" },
  "aic-nextn-accept-rates": {
    kind: text,
    description: "AIC prefill estimates: acceptance rates of the draft tokens, separated by commas"
  },
  "aic-bundle": {
    own: true,
    kind: paths,
    description: "AIC data for models, systems or backend versions that are not shipped; may be given several times"
  },
  "planner-config": {
    kind: jsonObject,
    description: "Planner of the reference in the loop: its configuration, a file or a JSON object"
  },
  "benchmark-granularity": {
    kind: atLeastOne,
    default: "8",
    description: "Planner: granularity of benchmarks by AIC, which are not made here"
  },
  autoscale: {
    own: true,
    kind: oneOf(autoscalePolicies),
    description: "Who decides how many workers there are while the run goes on"
  },
  "autoscale-config": {
    own: true,
    kind: jsonObject,
    description: "Settings of --autoscale (target-utilisation without it), a JSON object"
  },
  "autoscale-schedule": {
    own: true,
    kind: path,
    description: 'Workers by time: a file of lines such as {"at_s": 60, "workers": 4}'
  },
  "worker-events": {
    own: true,
    kind: path,
    description: 'What happens to workers: a file of lines such as {"at_s": 30, "worker": 1, "event": "fail"}'
  },
  config: { own: true, kind: path, description: "File with options, JSON or YAML; options on the command line win" },
  check: {
    own: true,
    kind: boolean,
    description: "Check the simulation's invariants while running; a violation ends the run as a fault of dynosim"
  },
  quiet: { own: true, kind: boolean, description: "No progress line and no notices on standard error" }
} as const satisfies FlagTable

/** The name of a flag, without its dashes. */
export type FlagName = keyof typeof replayFlags

/** Whether there is such a flag. */
export const isFlagName = (name: string): name is FlagName => Object.hasOwn(replayFlags, name)
