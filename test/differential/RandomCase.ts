/**
 * Small random command lines that put the engines under pressure: tiny KV pools and token budgets, shared prefixes,
 * simultaneous arrivals. Each family stresses one part of the behaviour.
 *
 * The reference never ends when a request fits the pool without its output but not with it, so no case has one.
 */
import { Dice } from "./Dice.ts"

/** One line of the trace, with the reference's field names. */
export interface CaseRow {
  timestamp?: number
  input_length: number
  output_length: number
  hash_ids: Array<number>
  session_id?: string
  delay?: number
  output_token_ids?: Array<number>
  priority?: number
  strict_priority?: number
}

export interface Case {
  readonly rows: ReadonlyArray<CaseRow>
  /** The command line without the trace. */
  readonly arguments: ReadonlyArray<string>
}

interface Pool {
  readonly blockTokens: number
  readonly blocks: number
}

type EngineArgs = Record<string, unknown>

const fits = ({ blockTokens, blocks }: Pool, promptTokens: number, outputTokens: number): boolean =>
  Math.ceil(promptTokens / blockTokens) > blocks || promptTokens + outputTokens <= blocks * blockTokens

/** Prompts draw their ids from a small tree, so that many share prefixes of all lengths. */
const hashIds = (dice: Dice, most: number): Array<number> =>
  Array.from({ length: dice.between(1, most) }, () => dice.pick([0, 0, 1, 2]))

const arrivals = (dice: Dice): (() => number) => {
  let now = dice.pick([0, 1_000.5])
  const gaps = dice.pick([
    [0, 0, 0, 3],
    [0, 0, 1, 20],
    [0, 0, 0, 60],
    [5, 40, 200],
    [0, 0, 0.1, 1_500]
  ])
  return () => (now += dice.pick(gaps))
}

const flatRows = (dice: Dice, pool: Pool, traceBlockTokens: number, count = dice.between(4, 50)): Array<CaseRow> => {
  const nextArrival = arrivals(dice)
  const longest = Math.max(2, Math.ceil((pool.blocks * pool.blockTokens * 0.5) / traceBlockTokens))
  const rows: Array<CaseRow> = []
  while (rows.length < count) {
    const ids = hashIds(dice, Math.min(longest, dice.pick([3, 8, 30])))
    const input_length = Math.max(1, ids.length * traceBlockTokens - dice.between(0, traceBlockTokens - 1))
    const output_length = dice.pick([1, 2, dice.between(1, 12), dice.between(10, 80), dice.between(10, 80)])
    if (!fits(pool, input_length, output_length)) continue
    rows.push({ timestamp: nextArrival(), input_length, output_length, hash_ids: ids })
  }
  if (dice.chance(0.15)) rows.push({ timestamp: nextArrival(), ...oversized(pool, traceBlockTokens) })
  return rows
}

/** A prompt larger than any pool of the case. */
const oversized = ({ blockTokens, blocks }: Pool, traceBlockTokens: number): CaseRow => {
  const input_length = (blocks + 20) * blockTokens
  return {
    input_length,
    output_length: 3,
    hash_ids: Array.from({ length: Math.ceil(input_length / traceBlockTokens) }, (_, id) => 10_000 + id)
  }
}

const poolOf = (dice: Dice): Pool => ({ blockTokens: dice.pick([2, 4, 8, 16, 64]), blocks: dice.between(8, 48) })

const traceBlock = (dice: Dice, { blockTokens }: Pool): number =>
  dice.pick([blockTokens, blockTokens * 4, Math.max(1, Math.floor(blockTokens / 2)), 6, 10, blockTokens + 1])

const engine = (dice: Dice, { blockTokens, blocks }: Pool): EngineArgs => ({
  block_size: blockTokens,
  num_gpu_blocks: blocks,
  max_num_batched_tokens: dice.pick([8, 17, 64, 256, 256, null]),
  max_num_seqs: dice.pick([2, 4, 8, null, null]),
  ...(dice.chance(0.5) ? { preemption_mode: dice.pick(["lifo", "fifo"]) } : {}),
  ...(dice.chance(0.2) ? { enable_prefix_caching: false } : {})
})

const command = (
  dice: Dice,
  args: EngineArgs,
  traceBlockTokens: number,
  workers = dice.pick([1, 1, 2, 3])
): Array<string> => [
  "--extra-engine-args",
  JSON.stringify(args),
  "--trace-block-size",
  String(traceBlockTokens),
  ...(workers === 1 ? [] : ["--num-workers", String(workers)])
]

/** Preemption, admission, eviction, budgets. */
const pressure = (dice: Dice): Case => {
  const pool = poolOf(dice)
  const tokens = traceBlock(dice, pool)
  const rows = flatRows(dice, pool, tokens)
  const args = engine(dice, pool)
  const longest = Math.max(...rows.map((row) => row.input_length))
  const unchunked = dice.chance(0.25)
    ? { enable_chunked_prefill: false, max_num_batched_tokens: longest + dice.between(0, 20) }
    : {}
  return { rows, arguments: command(dice, { ...args, ...unchunked }, tokens) }
}

/** Durations that round: ratios whose quotients end in half nanoseconds, and extreme ones. */
const speedups = (dice: Dice): Case => {
  const pool = { blockTokens: dice.pick([16, 64]), blocks: dice.between(100, 400) }
  const tokens = dice.pick([64, 512])
  const args = {
    ...engine(dice, pool),
    speedup_ratio: dice.pick([0, 1, 2, 3.7, 10, 1e9]),
    decode_speedup_ratio: dice.pick([0, 1, 2, 0.3, 8])
  }
  const arrivalSpeedup = dice.chance(0.5) ? ["--arrival-speedup-ratio", String(dice.pick([0.3, 2, 3.7]))] : []
  return { rows: flatRows(dice, pool, tokens), arguments: [...command(dice, args, tokens), ...arrivalSpeedup] }
}

/** Multi-token prediction: the random stream, reservations, bursts that cross blocks. */
const mtp = (dice: Dice): Case => {
  const pool = poolOf(dice)
  const tokens = traceBlock(dice, pool)
  const args = {
    ...engine(dice, pool),
    aic_nextn: dice.between(1, 5),
    ...(dice.chance(0.7)
      ? { aic_nextn_accept_rates: dice.pick(["0.9,1,0.05", "1", "0.5,0.5,0.5", "0,1", "0.0001,0.9999"]) }
      : {}),
    ...(dice.chance(0.7) ? { aic_mtp_seed: dice.between(0, 2 ** 31) } : {})
  }
  return { rows: flatRows(dice, pool, tokens), arguments: command(dice, args, tokens) }
}

/** Planned outputs that later prompts contain: one token per hash id, so that prompts can name any token. */
const outputs = (dice: Dice): Case => {
  const pool = { blockTokens: dice.pick([2, 4, 8]), blocks: dice.between(16, 60) }
  const nextArrival = arrivals(dice)
  const rows: Array<CaseRow> = []
  const texts: Array<Array<number>> = [[7, 7, 7, 7]]
  const token = (): number => dice.pick([0, 1, 1, 2, 4_294_967_295])
  for (let count = dice.between(4, 30); count > 0;) {
    const hash_ids = [...dice.pick(texts), ...Array.from({ length: dice.between(0, 3) }, token)]
    const output = Array.from({ length: dice.between(1, 14) }, token)
    if (!fits(pool, hash_ids.length, output.length)) continue
    const row: CaseRow = {
      timestamp: nextArrival(),
      input_length: hash_ids.length,
      output_length: output.length,
      hash_ids
    }
    rows.push(dice.chance(0.8) ? { ...row, output_token_ids: output } : row)
    texts.push([...hash_ids, ...output])
    count -= 1
  }
  return { rows, arguments: command(dice, engine(dice, pool), 1) }
}

/** Guaranteed no evict. */
const trtllm = (dice: Dice): Case => {
  const pool = poolOf(dice)
  const tokens = traceBlock(dice, pool)
  return {
    rows: flatRows(dice, pool, tokens),
    arguments: command(dice, { ...engine(dice, pool), engine_type: "trtllm" }, tokens)
  }
}

/** Turns that follow each other: delays given, inferred from timestamps, absent. */
const sessionRows = (dice: Dice, rows: ReadonlyArray<CaseRow>): Array<CaseRow> => {
  const sessions = dice.between(1, 8)
  const started = new Set<string>()
  return rows.map(({ timestamp, ...row }) => {
    const session_id = `s${dice.between(1, sessions)}`
    if (!started.has(session_id)) {
      started.add(session_id)
      return { timestamp: timestamp ?? 0, session_id, ...row }
    }
    const timing = dice.pick(["delay", "timestamp", "none"] as const)
    if (timing === "delay") return { session_id, delay: dice.pick([0, 0.5, 30]), ...row }
    return timing === "timestamp" ? { session_id, timestamp: timestamp ?? 0, ...row } : { session_id, ...row }
  })
}

const sessions = (dice: Dice): Case => {
  const pool = poolOf(dice)
  const tokens = traceBlock(dice, pool)
  const speed = dice.chance(0.3) ? ["--arrival-speedup-ratio", "2.5"] : []
  return {
    rows: sessionRows(dice, flatRows(dice, pool, tokens)),
    arguments: [...command(dice, engine(dice, pool), tokens), ...speed]
  }
}

const closed = (dice: Dice): Case => {
  const pool = poolOf(dice)
  const tokens = traceBlock(dice, pool)
  const flat = flatRows(dice, pool, tokens)
  return {
    rows: dice.chance(0.5) ? flat : sessionRows(dice, flat),
    arguments: [...command(dice, engine(dice, pool), tokens), "--replay-concurrency", String(dice.pick([1, 2, 5, 50]))]
  }
}

/** Cut off in the middle. */
const capped = (dice: Dice): Case => {
  const base = dice.pick([pressure, sessions, closed])(dice)
  return {
    rows: base.rows,
    arguments: [...base.arguments, "--max-sim-time-seconds", String(dice.pick([0, 0.1, 1.01, 3]))]
  }
}

/** Prompts that grow by each turn's own tokens and by what was generated. */
const delta = (dice: Dice): Case => {
  const pool = { blockTokens: dice.pick([2, 4, 8]), blocks: 400 }
  const rows = sessionRows(dice, flatRows(dice, { ...pool, blocks: 20 }, 4, dice.between(4, 20)))
  return {
    rows,
    arguments: [...command(dice, { ...engine(dice, pool), max_num_seqs: 8 }, 4), "--trace-format", "mooncake-delta"]
  }
}

/** A prefill and a decode pool with KV transfers between them. In tight pools the two block each other for ever. */
const disaggregated = (dice: Dice): Case => {
  const pool = { ...poolOf(dice), blocks: dice.between(40, 150) }
  const other = { ...pool, blocks: pool.blocks + dice.between(0, 10) }
  const tokens = traceBlock(dice, pool)
  const flat = flatRows(dice, pool, tokens)
  const [prefill, decode] = dice.chance(0.5) ? [pool, other] : [other, pool]
  const transfer = dice.chance(0.6)
    ? {
        kv_bytes_per_token: dice.pick([1_000, 131_072]),
        kv_transfer_bandwidth: dice.pick([0.001, 1, 64]),
        kv_transfer_timing_mode: dice.pick(["full_prompt", "destination_missing"])
      }
    : {}
  const concurrency = dice.chance(0.3) ? ["--replay-concurrency", String(dice.pick([1, 3, 8]))] : []
  return {
    rows: dice.chance(0.3) ? sessionRows(dice, flat) : flat,
    arguments: [
      "--prefill-engine-args",
      JSON.stringify({ worker_type: "prefill", ...engine(dice, prefill), ...transfer }),
      "--decode-engine-args",
      JSON.stringify({ worker_type: "decode", ...engine(dice, decode) }),
      "--num-prefill-workers",
      String(dice.between(1, 3)),
      "--num-decode-workers",
      String(dice.between(1, 3)),
      "--trace-block-size",
      String(tokens),
      ...concurrency
    ]
  }
}

/** Command line of two pools. */
const pools = (
  dice: Dice,
  prefill: EngineArgs,
  decode: EngineArgs,
  traceBlockTokens: number,
  workers: { readonly prefill: number; readonly decode: number } = {
    prefill: dice.between(1, 3),
    decode: dice.between(1, 3)
  }
): Array<string> => [
  "--prefill-engine-args",
  JSON.stringify({ worker_type: "prefill", ...prefill }),
  "--decode-engine-args",
  JSON.stringify({ worker_type: "decode", ...decode }),
  "--num-prefill-workers",
  String(workers.prefill),
  "--num-decode-workers",
  String(workers.decode),
  "--trace-block-size",
  String(traceBlockTokens)
]

/**
 * The KV router, which parks requests from the given share of a worker's token budget on. The reference draws ties: its choices are
 * made again by the lengths of the requests, see {@link withOwnLengths}.
 */
const kvRouter = (dice: Dice): Array<string> => [
  "--router-mode",
  "kv_router",
  "--router-config",
  JSON.stringify({
    router_queue_threshold: dice.pick([0, 0.001, 0.02, 1]),
    ...(dice.chance(0.5) ? { router_queue_policy: dice.pick(["fcfs", "lcfs", "wspt"]) } : {}),
    ...(dice.chance(0.3) ? { overlap_score_weight: dice.pick([0, 2]) } : {})
  })
]

/** Rows no two of which have the same lengths. */
const withOwnLengths = (rows: ReadonlyArray<CaseRow>): Array<CaseRow> => {
  const seen = new Set<string>()
  return rows.filter(({ input_length, output_length }) => {
    const lengths = `${input_length}/${output_length}`
    return !seen.has(lengths) && seen.add(lengths)
  })
}

const transferSettings = (dice: Dice): EngineArgs =>
  dice.chance(0.6)
    ? {
        kv_bytes_per_token: dice.pick([1_000, 131_072]),
        kv_transfer_bandwidth: dice.pick([0.001, 0.1, 64]),
        kv_transfer_timing_mode: dice.pick(["full_prompt", "destination_missing"])
      }
    : {}

/** SGLang's order of a hand-off, with requests parked in the prefill router while their KV is reserved elsewhere. */
const sglangHandoff = (dice: Dice): Case => {
  const pool = { blockTokens: dice.pick([1, 2, 4, 16]), blocks: dice.between(300, 600) }
  const tokens = dice.pick([4, 6, 16])
  const args = {
    engine_type: "sglang",
    block_size: pool.blockTokens,
    num_gpu_blocks: pool.blocks,
    max_num_seqs: dice.pick([4, 8, null])
  }
  const small = { ...pool, blocks: Math.floor(pool.blocks / 4) }
  const rows = withOwnLengths(flatRows(dice, small, tokens)).filter(
    ({ input_length, output_length }) => input_length + output_length <= (pool.blocks * pool.blockTokens) / 4
  )
  const routing = dice.chance(0.8) ? kvRouter(dice) : []
  return {
    rows: rows.length === 0 ? [{ timestamp: 0, input_length: 5, output_length: 5, hash_ids: [1, 2] }] : rows,
    arguments: [...pools(dice, { ...args, ...transferSettings(dice) }, args, tokens), ...routing]
  }
}

/** Passes that take no time at all. */
const zeroTime = (dice: Dice): Case => {
  const pool = { blockTokens: dice.pick([2, 4, 16]), blocks: dice.between(200, 400) }
  const tokens = dice.pick([4, 16])
  const engine_type = dice.pick(["sglang", "sglang", "vllm"])
  const args = {
    engine_type,
    block_size: pool.blockTokens,
    num_gpu_blocks: pool.blocks,
    speedup_ratio: dice.pick([1e9, 1e11, 1e12]),
    ...(dice.chance(0.3) ? { decode_speedup_ratio: 1e3 } : {})
  }
  const rows = flatRows(dice, { ...pool, blocks: Math.floor(pool.blocks / 4) }, tokens, dice.between(1, 20)).filter(
    ({ input_length, output_length }) => input_length + output_length <= (pool.blocks * pool.blockTokens) / 4
  )
  const served =
    rows.length === 0 ? [{ timestamp: 0, input_length: 21, output_length: 30, hash_ids: [1, 2, 3, 4, 5, 6] }] : rows
  return {
    rows: served,
    arguments: dice.chance(0.4) ? pools(dice, args, args, tokens) : command(dice, args, tokens, dice.pick([1, 2, 4]))
  }
}

/** A vLLM decode pool under pressure: preempted requests beside reservations that pin cached blocks. */
const tightDecode = (dice: Dice): Case => {
  const blockTokens = dice.pick([4, 8, 16])
  const decode = { blockTokens, blocks: dice.between(20, 60) }
  const prefill = { blockTokens, blocks: decode.blocks * 4 }
  const tokens = traceBlock(dice, decode)
  const flat = flatRows(dice, decode, tokens).filter(
    ({ input_length, output_length }) => input_length + output_length <= decode.blocks * blockTokens
  )
  const parks = dice.chance(0.4)
  const rows = parks ? withOwnLengths(flat) : flat
  return {
    rows: rows.length === 0 ? [{ timestamp: 0, input_length: 5, output_length: 5, hash_ids: [1, 2] }] : rows,
    arguments: [
      ...pools(
        dice,
        { block_size: blockTokens, num_gpu_blocks: prefill.blocks, ...transferSettings(dice) },
        { ...engine(dice, decode), ...(dice.chance(0.5) ? { decode_speedup_ratio: 2.75 } : {}) },
        tokens
      ),
      ...(parks ? kvRouter(dice) : [])
    ]
  }
}

/** Planned outputs in two pools: the prefill worker holds them too, so later prompts that extend them hit. */
const plannedHandoff = (dice: Dice): Case => {
  const base = outputs(dice)
  const blockTokens = dice.pick([2, 4, 8])
  const args = {
    block_size: blockTokens,
    num_gpu_blocks: 400,
    max_num_batched_tokens: dice.pick([8, 17, 64, 256, null]),
    ...(dice.chance(0.2) ? { aic_nextn: dice.between(1, 3) } : {})
  }
  const parks = dice.chance(0.4)
  return {
    rows: parks ? withOwnLengths(base.rows) : base.rows,
    arguments: [...pools(dice, { ...args, ...transferSettings(dice) }, args, 1), ...(parks ? kvRouter(dice) : [])]
  }
}

/** Radix cache, both schedule policies, retraction by the new-token ratio. */
const sglang = (dice: Dice): Case => {
  const pool = { blockTokens: dice.pick([1, 2, 3, 4, 16]), blocks: dice.between(60, 200) }
  const tokens = dice.pick([1, 4, 6, 16])
  const args = {
    engine_type: "sglang",
    block_size: pool.blockTokens,
    num_gpu_blocks: pool.blocks,
    max_num_seqs: dice.pick([2, 4, 8, null]),
    sglang: {
      schedule_policy: dice.pick(["fifo", "lpm"]),
      max_prefill_tokens: dice.pick([64, 300, 16_384]),
      chunked_prefill_size: pool.blockTokens * dice.pick([8, 20, 512]),
      ...(dice.chance(0.5) ? { schedule_conservativeness: dice.pick([0, 0.3, 1]) } : {}),
      ...(dice.chance(0.3) ? { clip_max_new_tokens: dice.pick([4, 30]) } : {})
    }
  }
  const flat = flatRows(dice, pool, tokens).filter(
    ({ input_length, output_length }) => input_length + output_length <= (pool.blocks * pool.blockTokens) / 2
  )
  const rows =
    flat.length === 0 ? [{ timestamp: 0, input_length: 5, output_length: 5, hash_ids: [1, 2, 3, 4, 5] }] : flat
  return { rows: dice.chance(0.3) ? sessionRows(dice, rows) : rows, arguments: command(dice, args, tokens) }
}

/** Workers of any engine behind the KV router, which is told all that leaves nothing to chance but ties. */
const routed = (dice: Dice): Case => {
  const pool = poolOf(dice)
  const tokens = traceBlock(dice, pool)
  const rows = withOwnLengths(flatRows(dice, pool, tokens)).filter(
    ({ input_length, output_length }) => input_length + output_length <= (pool.blocks * pool.blockTokens) / 2
  )
  const optional = (chance: number, settings: Record<string, unknown>): Record<string, unknown> =>
    dice.chance(chance) ? settings : {}
  const config = {
    router_queue_threshold: dice.pick([0, 0.02, 1, 16, null]),
    ...optional(0.5, { router_queue_policy: dice.pick(["fcfs", "lcfs", "wspt"]) }),
    ...optional(0.5, { overlap_score_credit: dice.pick([0, 0.3, 1]) }),
    ...optional(0.3, { overlap_score_credit_decay: dice.pick([0.1, 1]) }),
    ...optional(0.5, { prefill_load_scale: dice.pick([0, 0.5, 2]) }),
    ...optional(0.3, { router_track_active_blocks: false }),
    ...optional(0.3, { router_assume_kv_reuse: false }),
    ...optional(0.3, { router_track_prefill_tokens: false })
  }
  const args = { ...engine(dice, pool), engine_type: dice.pick(["vllm", "vllm", "trtllm", "sglang"]) }
  const served = rows.length === 0 ? [{ timestamp: 0, input_length: 1, output_length: 2, hash_ids: [1] }] : rows
  return {
    rows: dice.chance(0.3) ? sessionRows(dice, served) : served,
    arguments: [
      ...command(dice, args, tokens, dice.between(2, 4)),
      "--router-mode",
      "kv_router",
      "--router-config",
      JSON.stringify(config),
      ...(dice.chance(0.3) ? ["--replay-concurrency", String(dice.pick([1, 3, 8]))] : [])
    ]
  }
}

/** Bursts over a minute or so, under the reference's planner. */
const planned = (dice: Dice): Case => {
  const blockTokens = dice.pick([16, 64])
  const disaggregated = dice.chance(0.4)
  let timestamp = 0
  const rows = Array.from({ length: dice.between(20, 150) }, (): CaseRow => {
    timestamp += dice.pick([0, 0, 20, 100, 700, 4_000])
    const ids = hashIds(dice, 12)
    return { timestamp, input_length: ids.length * 256, output_length: dice.between(1, 200), hash_ids: ids }
  })
  const target = dice.pick(["throughput", "latency", "load", "sla"])
  const planner = {
    mode: disaggregated ? "disagg" : "agg",
    report_interval_hours: null,
    live_dashboard_port: 0,
    optimization_target: target,
    load_adjustment_interval_seconds: dice.pick([1, 2, 5]),
    ...(dice.chance(0.6) ? { max_gpu_budget: dice.pick([-1, 4, 6]) } : {}),
    ...(target === "load" ? { decode_scale_up_kv_rate: 60, decode_scale_down_kv_rate: dice.pick([0, 20]) } : {}),
    ...(target === "load" && disaggregated
      ? { prefill_scale_up_queue_tokens: 2_000, prefill_scale_down_queue_tokens: dice.pick([0, 500]) }
      : {}),
    ...(target === "sla"
      ? { enable_load_scaling: true, enable_throughput_scaling: false, ttft_ms: dice.pick([100, 800]), itl_ms: 20 }
      : {})
  }
  const args = {
    block_size: blockTokens,
    num_gpu_blocks: Math.ceil(dice.pick([6_000, 30_000]) / blockTokens),
    ...(dice.chance(0.4) ? { startup_time: dice.pick([1, 4]) } : {})
  }
  const deployed = disaggregated
    ? pools(dice, { ...args, ...transferSettings(dice) }, args, 256)
    : command(dice, args, 256)
  return { rows, arguments: [...deployed, "--planner-config", JSON.stringify(planner)] }
}

/** Settings of the KV router that leave nothing to chance but ties. */
const routerConfig = (dice: Dice): Record<string, unknown> => {
  const tracksPrefill = dice.chance(0.7)
  return {
    router_queue_threshold: dice.pick([0, 0.02, 0.3, 1, 16, null]),
    router_track_active_blocks: dice.chance(0.7),
    router_assume_kv_reuse: dice.chance(0.7),
    router_track_prefill_tokens: tracksPrefill,
    ...(dice.chance(0.5) ? { router_queue_policy: dice.pick(["fcfs", "lcfs", "wspt"]) } : {}),
    ...(dice.chance(0.5) ? { overlap_score_credit: dice.pick([0, 0.3, 0.77, 1]) } : {}),
    ...(dice.chance(0.3) ? { overlap_score_credit_decay: dice.pick([0.1, 1, 7.5]) } : {}),
    ...(dice.chance(0.5) ? { prefill_load_scale: dice.pick([0, 0.5, 2, 13]) } : {}),
    ...(dice.chance(0.2) ? { overlap_score_weight: dice.pick([0, 0.4, 2]) } : {})
  }
}

/** Everything at once: any engine with any load, behind any router, in one pool or two. */
const mixed = (dice: Dice): Case => {
  const engine_type = dice.pick(["vllm", "vllm", "sglang", "trtllm"])
  // Neither of the two disaggregates TensorRT-LLM.
  const split = engine_type !== "trtllm" && dice.chance(0.6)
  const blockTokens = engine_type === "sglang" ? dice.pick([1, 3, 4, 16]) : dice.pick([4, 8, 16, 64])
  const pool = { blockTokens, blocks: dice.between(split ? 120 : 60, 300) }
  const tokens = traceBlock(dice, pool)
  const small = { ...pool, blocks: Math.floor(pool.blocks / dice.pick([3, 4, 8])) }
  const isGuided = dice.chance(0.6)
  const fitting = flatRows(dice, small, tokens).filter(
    ({ input_length, output_length }) => input_length + output_length <= (pool.blocks * blockTokens) / 3
  )
  const flat = isGuided ? withOwnLengths(fitting) : fitting
  const ranked = dice.chance(0.4)
    ? flat.map((row) => ({ ...row, priority: dice.between(-2, 9), strict_priority: dice.pick([0, 0, 1, 5]) }))
    : flat
  const sessioned = dice.chance(0.5) ? sessionRows(dice, ranked) : ranked
  const rows =
    sessioned.length === 0
      ? [{ timestamp: 3, input_length: 5, output_length: 5, hash_ids: [1, 2, 3, 4, 5] }]
      : sessioned
  const drafts = dice.chance(0.4)
    ? {
        aic_nextn: dice.between(1, 5),
        aic_nextn_accept_rates: dice.pick(["0.9,1,0.05", "1", "0.5,0.5,0.5", "0.7,0.2"]),
        aic_mtp_seed: dice.between(0, 2 ** 31)
      }
    : { decode_speedup_ratio: dice.pick([1, 1, 0.7, 3]) }
  const args = (): EngineArgs => ({
    ...engine(dice, { blockTokens, blocks: pool.blocks + dice.between(0, 9) }),
    engine_type,
    speedup_ratio: dice.pick([1, 1, 0.6, 25]),
    ...(engine_type === "sglang"
      ? {
          sglang: {
            schedule_policy: dice.pick(["fifo", "lpm"]),
            schedule_conservativeness: dice.pick([0, 0.3, 1]),
            chunked_prefill_size: blockTokens * dice.pick([8, 64, 512])
          }
        }
      : {})
  })
  const deployed = split
    ? pools(dice, { ...args(), ...transferSettings(dice) }, { ...args(), ...drafts }, tokens)
    : command(dice, { ...args(), ...drafts }, tokens, dice.between(isGuided ? 2 : 1, 4))
  const routing = isGuided ? ["--router-mode", "kv_router", "--router-config", JSON.stringify(routerConfig(dice))] : []
  const load = dice.pick([
    [],
    [],
    ["--replay-concurrency", String(dice.pick([1, 2, 6, 20]))],
    ["--arrival-speedup-ratio", String(dice.pick([0.4, 7.3]))]
  ])
  // Requests that are cut off leave no line to be guided by.
  const end = !isGuided && dice.chance(0.3) ? ["--max-sim-time-seconds", String(dice.pick([0.2, 1.5]))] : []
  const format = !split && dice.chance(0.2) ? ["--trace-format", "mooncake-delta"] : []
  return { rows, arguments: [...deployed, ...routing, ...load, ...end, ...format] }
}

export const families = {
  pressure,
  speedups,
  mtp,
  outputs,
  trtllm,
  sessions,
  closed,
  capped,
  delta,
  disaggregated,
  sglang,
  sglangHandoff,
  zeroTime,
  tightDecode,
  plannedHandoff,
  routed,
  planned,
  mixed
} as const

export type Family = keyof typeof families

export const isFamily = (name: string): name is Family => Object.hasOwn(families, name)

export const randomCase = (family: Family, seed: number): Case =>
  families[family](new Dice(seed * 7_919 + family.length))
