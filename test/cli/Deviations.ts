/** Where dynosim behaves otherwise than the recorded runs of ai-dynamo 1.3.1, case by case, and why. */

export type Deviation =
  /** The reference accepts it; here it is refused with a message like this. */
  | { readonly _tag: "Refused"; readonly message: RegExp; readonly why: string }
  /** The reference refuses it, or hangs; here it runs. */
  | { readonly _tag: "Accepted"; readonly why: string }
  /** It runs in both, with other numbers. */
  | { readonly _tag: "OtherNumbers"; readonly why: string }
  /** It runs in both; the reference's standard output is not ours. */
  | { readonly _tag: "OtherText"; readonly why: string }
  /** It is refused in both, with other words. */
  | { readonly _tag: "OtherWords"; readonly message: RegExp; readonly why: string }

const refused = (message: RegExp, why: string): Deviation => ({ _tag: "Refused", message, why })
const accepted = (why: string): Deviation => ({ _tag: "Accepted", why })
const otherNumbers = (why: string): Deviation => ({ _tag: "OtherNumbers", why })
const otherText = (why: string): Deviation => ({ _tag: "OtherText", why })
const otherWords = (message: RegExp, why: string): Deviation => ({ _tag: "OtherWords", message, why })

const rowList = refused(/expected one JSON object per line, got an array/, "a list in place of an object is a mistake")
const negative = (flag: string) =>
  otherWords(
    new RegExp(`${flag}: expected an integer .*, got -\\d`),
    "the reference tells neither the flag nor the value"
  )
const clash = (flag: string) =>
  otherWords(
    new RegExp(`${flag}: asks for synthetic load, but a trace file is given too`),
    "names the flag that is in the way"
  )
const blockSize = (got: number) =>
  otherWords(new RegExp(`block_size: must be a power of 2 from 2 to 1024 .*got ${got}`), "the reference panics")
const noOutput = otherWords(/must be at least 1/, "refused when the trace is read, not when the engine is stuck")
const pastSpeedup = otherWords(
  /--arrival-speedup-ratio: expected a number above 0, from 1e-6 to 1e12, got 0/,
  "options are checked before files are read"
)

const anyDeployment = accepted("the hand-off between pools does not depend on the format of the trace")
const anyMode = accepted("online mode replays what offline mode replays")

/** The recorded configuration is one of two pools; what is wrong is that, not what the planner is combined with. */
const plannerAlone = (what: string): Deviation =>
  otherWords(/--planner-config: mode: disagg needs --prefill-engine-args/, `the planner works with ${what}`)

export const deviations: Readonly<Record<string, Deviation>> = {
  "planner-format": plannerAlone("every trace format"),
  "planner-jsonl": plannerAlone("per-request lines"),
  "planner-maxsim": plannerAlone("a time limit"),
  "synth-turns-0": refused(
    /--turns-per-session: expected an integer .*, got 0/,
    "no silent acceptance of values without meaning"
  ),
  "synth-shared-nan": refused(/--shared-prefix-ratio: .*got nan/, "no silent acceptance of values without meaning"),
  "synth-itd-neg": refused(/--inter-turn-delay-ms: .*got -5/, "no silent acceptance of values without meaning"),
  "eng-dupkey": refused(/duplicate key "block_size"/, "which of the two was meant is anybody's guess"),
  "eng-sgl-policy-bad": refused(/schedule_policy: expected one of .*got "zz"/, "no silent fall-back to another policy"),
  "rc-notobj": refused(/--router-config: expected an object with settings, got an empty list/, "a list has no keys"),
  "m-array-row": rowList,
  "g-array-row": rowList,
  "g-hash-empty-noinput": refused(/must have a positive input_length/, "a request without a prompt cannot be served"),
  "disagg-online-synth": anyMode,
  "m-neg-ts-conc-disagg": refused(
    /invalid first_arrival_timestamp_ms -10/,
    "disaggregated runs check their traces too"
  ),
  "synth-report-jsonl": accepted("per-request lines of synthetic load are as useful as those of a trace"),
  "synth-maxsim": accepted("a time limit works for synthetic load too"),
  "delta-disagg": anyDeployment,
  "d-disagg-conc": anyDeployment,
  "agentic-disagg": anyDeployment,
  "y-ag-disagg": anyDeployment,
  "online-agentic": otherWords(/a\.jsonl:1: .*request_id is missing/, "the mode is no reason, the file is not agentic"),
  "d-agg-online": anyMode,
  "g-online": anyMode,
  "online-report-jsonl": accepted("per-request lines are as useful with measured times"),
  "online-maxsim": accepted("a time limit is a time limit on the live clock, too"),
  "y-agentic-online": anyMode,
  "sla-no-planner": accepted("goodput needs no planner"),
  "y-multi-file": accepted("trace files may stand anywhere among the flags"),
  "x-version": accepted("--version exists"),
  "g-maxsim": otherNumbers("the time limit also ends agentic replays"),
  "s-collide-request_n": otherNumbers("a row without a session never joins one that is called like it by chance"),
  "m-u64max-hash": otherNumbers("all 64 bits of a hash id count, not the low 32 alone"),
  "m-bom": accepted("a byte order mark is no part of the first row"),
  "c-shared-2g": otherNumbers("two prefix groups have two prefixes"),
  help: otherText("own help"),
  "x-table-tiny-pool": otherText("a line says that requests were rejected"),
  "both-inputs": clash("--input-tokens"),
  "trace+turns": clash("--turns-per-session"),
  "trace+shared-prefix": clash("--shared-prefix-ratio"),
  "trace+itd": clash("--inter-turn-delay-ms"),
  "kv-0workers": otherWords(
    /--num-workers: expected an integer from 1 to 65536, got 0/,
    "a number is held against its range before it is held against other options"
  ),
  "workers-neg": negative("--num-workers"),
  "tbs-neg": negative("--trace-block-size"),
  "synth-input-neg": negative("--input-tokens"),
  "synth-groups-neg": negative("--num-prefix-groups"),
  "c-groups-neg": negative("--trace-num-prefix-groups"),
  "b-vllm-bs1": blockSize(1),
  "e-disagg-bs1": blockSize(1),
  "b-bs-huge": blockSize(4294967296),
  "b-limit-1025": blockSize(1025),
  "b-limit-2048": blockSize(2048),
  "b-tbs-huge": otherWords(/--trace-block-size: expected an integer from 1 to 2147483647/, "the reference panics"),
  "eng-nan-literal": otherWords(/column 19: expected a value, got NaN/, "names the place, the value and a remedy"),
  "eng-sgl-chunk": otherWords(
    /sglang\.chunked_prefill_size: .*chunked_prefill_size=100 and block_size=8/,
    "says it shorter"
  ),
  "eng-trt-policy": otherWords(/trtllm\.capacity_scheduler_policy: .*got "max_utilization"/, "says it shorter"),
  "eng-npz-dir": otherWords(/nope_dir/, "says it shorter"),
  "c-final0": noOutput,
  "c-assist0": noOutput,
  "y-output0": noOutput,
  "y-badfile-badargs": otherWords(/--router-mode: kv_router needs/, "options are checked before files are read"),
  "x-order-missing-file-badspeed": pastSpeedup,
  "m-speed-vs-parse": pastSpeedup,
  "y-multi-file-dup": otherWords(/duplicate request_id/, "trace files may stand anywhere among the flags"),
  "x-empty-positional": otherWords(/TRACE: the name of a trace file is empty/, "says what is wrong with the name"),
  "x-neg-arg-sci": otherWords(/--arrival-speedup-ratio: .*got -1000/, "-1e3 is a number, not a flag"),
  "eng-unknown": otherWords(/foo: unknown key[^]*accepted keys: engine_type, /, "the recorded message is cut off"),
  "sgl-kv-1w": otherWords(
    /--router-mode: kv_router needs --num-workers of at least 2/,
    "the recorded message is cut off"
  ),
  "aic-full-no-sdk": otherWords(/'x' is neither a shipped model nor a folder/, "AIC needs no other package here")
}
