/** What holds in every run with KV tiers, whatever it is given: bandwidths of nothing to no limit, tiers of one block to plenty. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type EngineArgs, make } from "../../src/engine/EngineArgs.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, type Outcome, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"
import { type RandomRun, randomRun, tiered } from "./RandomRun.ts"

const runs = { arbitrary: { runs: 120, size: 40 } }

/** Whether the run may end in an error, and in which. */
const mayFail = (args: EngineArgs, { rows }: RandomRun, reason: string): boolean =>
  reason === "dead-end"
  && !args.enableChunkedPrefill
  && rows.some(({ promptTokens }) => promptTokens > args.maxNumBatchedTokens)

const checkTiers = (args: EngineArgs, { records, summary }: Outcome): void => {
  assert.strictEqual(summary.ended, "drained")
  for (const { firstAdmissionReusedTokens, handoff, status, tiers } of records) {
    assert.notStrictEqual(status, "in_flight")
    if (tiers === null) throw new Error("a request of a worker with tiers has no account of them")
    const loaded = tiers.hostReusedTokens + tiers.diskReusedTokens + tiers.objectReusedTokens
    if (handoff === null) assert.isAtMost(loaded, firstAdmissionReusedTokens)
    assert.isAtLeast(tiers.onboardWaitMs, 0)
    assert.isAtLeast(tiers.offloadWaitMs, 0)
    if (!args.enablePrefixCaching) assert.strictEqual(loaded, 0)
  }
  const limits: Readonly<Record<string, number>> = {
    "device host": args.deviceToHostGbS,
    "host device": args.hostToDeviceGbS,
    "host disk": args.hostToDiskGbS,
    "disk host": args.diskToHostGbS,
    "host object": args.hostToObjectGbS,
    "object host": args.objectToHostGbS
  }
  for (const { busyMs, bytes, from, to } of summary.tiers?.links ?? []) {
    const gbS = limits[`${from} ${to}`]!
    if (gbS > 0) assert.isAtMost(bytes, busyMs * gbS * 1e6 * (1 + 1e-6) + 1)
  }
}

/** The run's engine under a vLLM profile. */
const profiled = (args: EngineArgs, { chunkRows, rows }: RandomRun): EngineArgs => {
  const { blockTokens, enablePrefixCaching, kvBytesPerToken, numG2Blocks, numG3Blocks, onboard } = args
  const longest = Math.max(1, ...rows.map(({ outputTokens, promptTokens }) => promptTokens + outputTokens))
  return make({
    engineProfile: rows.length % 2 === 0 ? "vllm-0.33" : "vllm-0.17",
    vllmScheduler: { maxModelLen: longest + 1, asyncScheduling: chunkRows === 3 },
    blockTokens,
    enablePrefixCaching,
    numGpuBlocks: Math.max(args.numGpuBlocks, Math.ceil((longest + 1) / blockTokens) + 1),
    maxNumBatchedTokens: Math.max(16, Math.min(args.maxNumBatchedTokens, 4096)),
    maxNumSeqs: Math.min(16, args.maxNumSeqs),
    kvBytesPerToken,
    numG2Blocks,
    numG3Blocks,
    onboard,
    offloadLatencyUs: args.offloadLatencyUs,
    g3Scope: args.g3Scope,
    deviceToHostGbS: args.deviceToHostGbS,
    hostToDeviceGbS: args.hostToDeviceGbS,
    hostToDiskGbS: args.hostToDiskGbS,
    diskToHostGbS: args.diskToHostGbS
  })
}

describe("in any run of a vLLM profile with KV tiers", () => {
  it.effect.prop(
    "blocks are conserved in every tier, and it comes to an end",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const args = profiled(tiered(run, "write_through"), run)
        const result = yield* Effect.result(
          replay(topology(args, run.workers), PlainWorkload.layer(run), { check: true })
        )
        if (Result.isFailure(result)) throw result.failure
        checkTiers(args, result.success)
      }),
    runs
  )
})

/** The run's engine with pages, and small budgets, in the place of blocks. */
const paged = (args: EngineArgs, { chunkRows, rows }: RandomRun): EngineArgs => ({
  ...args,
  engineType: "sglang",
  preemptionMode: "lifo",
  enablePrefixCaching: true,
  enableChunkedPrefill: true,
  sglangMatch: rows.length % 2 === 0 ? "whole" : "first_chunk",
  sglangChunkBudget: chunkRows === 3 ? "rest" : "whole_chunks",
  sglangPrefillFirst: chunkRows === 1,
  sglang: {
    ...args.sglang,
    schedulePolicy: rows.length % 5 === 0 ? "lpm" : "fcfs",
    chunkedPrefillTokens: Math.max(args.blockTokens, Math.min(args.maxNumBatchedTokens, 8192)),
    clipMaxNewTokens: rows.length % 4 === 0 ? 1 : 4096
  }
})

describe("in any run of an SGLang-style engine with KV tiers", () => {
  it.effect.prop(
    "pages are conserved in every tier, and it comes to an end",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const args = paged(tiered(run, "write_through"), run)
        const pools = { prefillWorkers: 1, decodeWorkers: run.workers }
        const deployed = run.rows.length % 3 === 0 ? disaggregatedTopology(args, pools) : topology(args, run.workers)
        checkTiers(args, yield* replay(deployed, PlainWorkload.layer(run), { check: true }))
      }),
    runs
  )
})

describe.each(["on_evict", "write_through"] as const)("in any run with KV tiers %s", (policy) => {
  it.effect.prop(
    "blocks are conserved in every tier, links move no more than they can, and it comes to an end",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const args = tiered(run, policy)
        const disaggregated = args.engineType === "vllm" && run.rows.length % 3 === 0
        const deployed = disaggregated
          ? disaggregatedTopology(args, { prefillWorkers: 1, decodeWorkers: run.workers })
          : topology(args, run.workers)
        const result = yield* Effect.result(replay(deployed, PlainWorkload.layer(run), { check: true }))
        if (Result.isSuccess(result)) checkTiers(args, result.success)
        else if (result.failure._tag !== "ReplayError" || !mayFail(args, run, result.failure.reason))
          throw result.failure
      }),
    runs
  )
})

type Prompt = readonly [atMs: number, promptTokens: number, outputTokens: number, ids: ReadonlyArray<number>]

const promptsOf = (prompts: ReadonlyArray<Prompt>) => {
  const rows = prompts.map(([timestampMs, promptTokens, outputTokens, hashIds], index) =>
    row({ timestampMs, promptTokens, outputTokens, hashIds: [...hashIds] }, index + 1)
  )
  return PlainWorkload.layer({ rows, traceBlockTokens: 6 })
}

// A block read from disk that finds no room in host memory is tried again by the same request, and at the same instant where passes take no time.
it.effect("a load that finds no room on its way is computed instead of tried for ever", () =>
  Effect.gen(function* () {
    const args = engineArgs({
      engineType: "trtllm",
      numGpuBlocks: 7,
      maxNumSeqs: 1,
      maxNumBatchedTokens: 16,
      enableChunkedPrefill: false,
      speedupRatio: 1e9,
      blockTokens: 2,
      mtp: { acceptRates: [0, 0.3, 0.3, 0], seed: 42n },
      kvBytesPerToken: 131_072,
      numG2Blocks: 1,
      numG3Blocks: 100,
      offloadPolicy: "on_evict",
      offloadBatchSize: 1,
      hostToDeviceGbS: 0.001,
      hostToDiskGbS: 1e-6,
      diskToHostGbS: 1e-6
    })
    const prompts = promptsOf([
      [1, 24, 18, [2, 2, 0, 2]],
      [6, 29, 12, [0, 0, 2, 0, 0]],
      [11, 30, 1, [0, 2, 2, 1, 0]],
      [11, 6, 30, [0]],
      [61, 16, 3, [2, 0, 0]],
      [61, 3, 20, [0]],
      [561, 15, 15, [2, 2, 2]],
      [566, 12, 14, [0, 1]],
      [1066, 17, 39, [1, 0, 1]],
      [1071, 28, 25, [2, 0, 0, 2, 2]],
      [1071, 6, 8, [0]],
      [1071, 6, 8, [2]],
      [1071, 6, 8, [1]],
      [1071, 12, 2, [0, 1]],
      [1071, 6, 8, [0]],
      [1071, 6, 8, [2]]
    ])
    const { summary } = yield* replay(topology(args, 1), prompts, { check: true })
    assert.strictEqual(summary.ended, "drained")
  })
)

// Two loads share a cached prefix. One of them fails in the tick in which the other ends: were it given back twice, so would the prefix be.
it.effect("a load that fails is given back once", () =>
  Effect.gen(function* () {
    const args = engineArgs({
      numGpuBlocks: 26,
      maxNumSeqs: 1,
      maxNumBatchedTokens: 16,
      preemptionMode: "fifo",
      speedupRatio: 1e9,
      decodeSpeedupRatio: 2,
      blockTokens: 4,
      kvBytesPerToken: 131_072,
      numG2Blocks: 2,
      enableG4Storage: true,
      offloadPolicy: "on_evict",
      offloadBatchSize: 4,
      deviceToHostGbS: 0.001,
      hostToDeviceGbS: 0.001,
      hostToObjectGbS: 0.1,
      objectToHostGbS: 0
    })
    const prompts = promptsOf([
      [500, 6, 1, [0]],
      [550, 6, 1, [0]],
      [550, 6, 4, [0]],
      [1050, 24, 2, [1, 1, 1, 1]],
      [1050, 22, 39, [0, 0, 0, 1]],
      [1100, 6, 33, [0]],
      [1100, 24, 40, [1, 0, 0, 1]],
      [1600, 12, 12, [0, 0]],
      [1605, 29, 18, [0, 0, 0, 1, 0]],
      [1610, 2, 40, [1]],
      [1610, 3, 4, [2]],
      [1611, 2, 2, [1]],
      [1616, 1, 7, [0]],
      [1621, 21, 8, [1, 0, 0, 2]]
    ])
    const { summary } = yield* replay(topology(args, 1), prompts, { check: true })
    assert.strictEqual(summary.ended, "drained")
  })
)

// With draft tokens all who could emit want room for their longest bursts. The last to come takes what an eviction makes for the others, is
// preempted for them, and takes it again; in a pool without tiers they have it at once.
it.effect("whoever is preempted for room that is being made does not take it again and again", () =>
  Effect.gen(function* () {
    const tight = {
      blockTokens: 2,
      mtp: { acceptRates: [0, 0], seed: 42n },
      kvBytesPerToken: 131_072,
      numG2Blocks: 1,
      offloadPolicy: "on_evict"
    } as const
    const cases = [
      {
        numGpuBlocks: 22,
        prompts: [
          [18, 15, [2, 1, 2, 2, 1]],
          [2, 9, [1]],
          [8, 5, [1, 0]]
        ]
      },
      {
        numGpuBlocks: 56,
        enablePrefixCaching: false,
        prompts: [
          [77, 7, [...Array(20).keys()]],
          [32, 1, [...Array(8).keys()]]
        ]
      }
    ] as const
    for (const { prompts, ...changes } of cases) {
      const rows = prompts.map(([promptTokens, outputTokens, hashIds], index) =>
        row({ timestampMs: 0, promptTokens, outputTokens, hashIds: [...hashIds] }, index + 1)
      )
      const load = PlainWorkload.layer({ rows, traceBlockTokens: 4 })
      const { records } = yield* replay(topology(engineArgs({ ...tight, ...changes }), 1), load, { check: true })
      assert.deepStrictEqual(
        records.map(({ status }) => status),
        prompts.map(() => "completed")
      )
    }
  })
)

// What it has computed is copied once more each time: the end of one copy makes room for a part of it only, as long as others go on.
it.effect("whoever is preempted for room that copies of its own blocks hold waits for all of them in the end", () =>
  Effect.gen(function* () {
    const args = engineArgs({
      blockTokens: 2,
      numGpuBlocks: 55,
      maxNumBatchedTokens: 16,
      speedupRatio: 4,
      decodeSpeedupRatio: 2,
      kvBytesPerToken: 131_072,
      numG2Blocks: 20,
      numG3Blocks: 100,
      g3Scope: "worker",
      offloadPolicy: "write_through",
      offloadLatencyUs: 250,
      hostToDeviceGbS: 1e-6,
      hostToDiskGbS: 0.1,
      diskToHostGbS: 0.001
    })
    const prompts: ReadonlyArray<
      readonly [atMs: number, promptTokens: number, outputTokens: number, ids: ReadonlyArray<number>]
    > = [
      [1159, 10, 25, [0]],
      [1164, 72, 9, [1, 2, 2, 0, 2]],
      [1214, 56, 35, [1, 1, 0, 0]],
      [1714, 78, 25, [1, 2, 1, 2, 2]],
      [2320, 64, 3, [0, 0, 1, 1]]
    ]
    const rows = prompts.map(([timestampMs, promptTokens, outputTokens, hashIds], index) =>
      row({ timestampMs, promptTokens, outputTokens, hashIds: [...hashIds] }, index + 1)
    )
    const { summary } = yield* replay(topology(args, 1), PlainWorkload.layer({ rows, traceBlockTokens: 16 }), {
      check: true
    })
    assert.strictEqual(summary.ended, "drained")
  })
)
