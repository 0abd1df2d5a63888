/** By what the help of commands with many flags is ordered, and which of these are for everybody. */

export interface HelpTopic {
  readonly title: string
  /** Shown by `--help`. */
  readonly common: ReadonlyArray<string>
  /** Shown by `--help-all` only. */
  readonly more: ReadonlyArray<string>
}

const topic = (title: string, common: string, more = ""): HelpTopic => ({
  title,
  common: common.split(" "),
  more: more.split(" ").filter((name) => name !== "")
})

/** Every flag of a replay is in one of these; a test holds that. */
export const helpTopics: ReadonlyArray<HelpTopic> = [
  topic(
    "TRACE",
    "trace-format trace-block-size",
    "time-unit column prefix-model session-turns default-output-tokens text-bytes-per-token strict trace-shared-prefix-ratio trace-num-prefix-groups"
  ),
  topic(
    "SYNTHETIC LOAD",
    "workload input-tokens output-tokens request-count arrival-interval-ms request-rate",
    "arrival-process arrival-shape turns-per-session shared-prefix-ratio num-prefix-groups inter-turn-delay-ms"
  ),
  topic("LOAD", "replay-concurrency arrival-speedup-ratio max-sim-time-seconds", "replay-mode seed"),
  topic(
    "DEPLOYMENT",
    "num-workers num-prefill-workers num-decode-workers extra-engine-args prefill-engine-args decode-engine-args",
    "engine-profile"
  ),
  topic("ROUTING", "router-mode router-config", "router-policy-config model-name tie-break"),
  topic(
    "WORKERS THAT COME AND GO",
    "autoscale",
    "autoscale-config autoscale-schedule planner-config benchmark-granularity worker-events"
  ),
  topic("GOALS AND STATISTICS", "sla-ttft-ms sla-itl-ms sla-e2e-ms fail-if", "seeds measure-from measure-until"),
  topic(
    "OUTPUT",
    "report-json report-jsonl csv html series timeline summary quiet",
    "json table series-interval-seconds timeline-from-seconds timeline-until-seconds timeline-every timeline-max-mb"
  ),
  topic("SETTINGS", "config", "check"),
  topic(
    "TIMING BY AIC",
    "aic-bundle",
    "aic-backend aic-system aic-backend-version aic-model-path aic-tp-size aic-moe-tp-size aic-moe-ep-size aic-attention-dp-size aic-gemm-dtype aic-moe-dtype"
      + " aic-fmha-dtype aic-kv-cache-dtype aic-comm-dtype aic-nextn aic-nextn-accept-rates"
  )
]
