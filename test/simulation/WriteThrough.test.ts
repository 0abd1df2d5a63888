/**
 * Tiers that are written through, worked by hand. Blocks of 64 tokens of 131,072 bytes take 64 * 131,072 / 14e6 = 0.599 ms on a lane of
 * 14 GB/s. Prompts have 8 blocks and two output tokens, so each takes a ninth block for its first token.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { make } from "../../src/engine/EngineArgs.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { SeriesProbe } from "../../src/observe/SeriesProbe.ts"
import * as LiveTopology from "../../src/online/LiveTopology.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { disaggregatedTopology, multiTopology, replay, topology } from "../support/Replays.ts"
import {
  abab,
  admissions,
  apart,
  blockMs,
  closeTo,
  inOrder,
  moved,
  passing,
  promptTokens,
  soonAfter,
  workload,
  writtenThrough
} from "./TierRuns.ts"

describe("tiers that are written through", () => {
  // A: 8 blocks are copied when the pass has ended, long before B comes. B takes the 3 free slots that A has left and, at no cost, the
  // deepest 5 of A, as evicting 4 of 12 and 1 more for its first token. A finds 3 blocks on the device and loads 5, in 5 block times;
  // so does B. Every prompt is copied once.
  it.effect("evict at no cost, and load what is missing", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(writtenThrough()), abab, { check: true })
      closeTo(admissions(outcome), [0, 1000, 2000 + 5 * blockMs, 3000 + 5 * blockMs])
      for (const { firstAdmissionReusedTokens, id, tiers } of inOrder(outcome)) {
        assert.strictEqual(firstAdmissionReusedTokens, id < 2 ? 0 : promptTokens)
        assert.strictEqual(tiers?.hostReusedTokens, id < 2 ? 0 : 5 * 64)
        assert.closeTo(tiers?.onboardWaitMs ?? -1, id < 2 ? 0 : 5 * blockMs, 1e-9)
        assert.strictEqual(tiers?.offloadWaitMs, 0)
      }
      assert.deepStrictEqual(moved(outcome), { "device host": 16, "host device": 10 })
      assert.strictEqual(outcome.summary.tiers?.droppedBlocks, 0)
    })
  )

  // Second 0 copies A down, 8 blocks; second 1 copies B; each of the others loads 5.
  it.effect("show in the time series what they hold and move", () =>
    Effect.gen(function* () {
      const series = new SeriesProbe(1000)
      yield* replay(multiTopology(writtenThrough({ numG3Blocks: 100 }), 1), abab, { probes: [series] })
      const rows = series.take().filter(({ scope }) => scope === "run")
      assert.deepStrictEqual(
        rows.map(({ diskBlocks, hostBlocks, hostBusyLinks, hostMovedBlocks }) => [
          hostBlocks,
          diskBlocks,
          hostMovedBlocks,
          hostBusyLinks
        ]),
        [
          [8, 8, 8, 0],
          [16, 16, 16, 0],
          [16, 16, 21, 0],
          [16, 16, 26, 0]
        ]
      )
      const plain = new SeriesProbe(1000)
      yield* replay(multiTopology(engineArgs(), 1), abab, { probes: [plain] })
      assert.isNull(plain.take()[0]?.hostBlocks)
    })
  )

  it.effect("add the latency of a copy to each", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(writtenThrough({ offloadLatencyUs: 250 })), abab, { check: true })
      closeTo(admissions(outcome), [0, 1000, 2000.25 + 5 * blockMs, 3000.25 + 5 * blockMs])
    })
  )

  it.effect("do the same behind a router, where arrivals are events", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(multiTopology(writtenThrough(), 1), abab, { check: true })
      closeTo(admissions(outcome), [0, 1000, 2000 + 5 * blockMs, 3000 + 5 * blockMs])
    })
  )

  // Copies at 0.1 GB/s take 83.9 ms a block. A's run until 8 of those after its first pass; they keep 9 of 12 slots, so B waits.
  it.effect("keep the slots of copies under way", () =>
    Effect.gen(function* () {
      const slow = writtenThrough({ deviceToHostGbS: 0.1 })
      const outcome = yield* replay(topology(slow), soonAfter, { check: true })
      const [first, second] = inOrder(outcome)
      const copiedMs = first!.firstTokenMs + (8 * 64 * 131_072) / 1e5
      assert.closeTo(second!.firstAdmitMs, copiedMs, 1e-9)
    })
  )

  // The second A finds the missing blocks under way and waits for them; nobody loads them twice. C passes both, and the engine is busy
  // with it when they have come.
  it.effect("let a request wait for what another loads, and others pass it", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(writtenThrough({ numGpuBlocks: 30 })), passing, { check: true })
      const [, , , , fifth, sixth, seventh] = inOrder(outcome)
      const loads = fifth!.tiers!.hostReusedTokens / 64
      assert.isAbove(loads, 0)
      const passEndMs = seventh!.firstTokenMs
      closeTo([fifth!.firstAdmitMs, sixth!.firstAdmitMs], [passEndMs, passEndMs])
      assert.strictEqual(sixth!.tiers?.hostReusedTokens, 0)
      closeTo([fifth!.tiers!.onboardWaitMs, sixth!.tiers!.onboardWaitMs], [passEndMs - 2000, passEndMs - 2001])
      assert.strictEqual(sixth!.firstAdmissionReusedTokens, promptTokens)
      assert.strictEqual(seventh!.firstAdmitMs, 2001.5)
      assert.strictEqual(moved(outcome)["host device"], loads)
    })
  )

  // Computing 5 blocks behind 3 takes longer than 3 ms, but less than the 84 ms a block of a lane of 0.1 GB/s.
  it.effect("load only what is faster loaded than computed, where asked", () =>
    Effect.gen(function* () {
      const fast = yield* replay(topology(writtenThrough({ onboard: "faster" })), abab)
      closeTo(admissions(fast), [0, 1000, 2000 + 5 * blockMs, 3000 + 5 * blockMs])
      const slow = yield* replay(topology(writtenThrough({ onboard: "faster", hostToDeviceGbS: 0.1 })), abab)
      closeTo(admissions(slow), [0, 1000, 2000, 3000])
      assert.strictEqual(moved(slow)["host device"], 0)
      const evicting = writtenThrough({ onboard: "faster", hostToDeviceGbS: 0.1, offloadPolicy: "on_evict" })
      assert.strictEqual(moved(yield* replay(topology(evicting), abab))["host device"], 0)
    })
  )

  // Host memory of 8 blocks holds the last prompt only; the one before comes from disk, 7 GB/s, through host memory, 14 GB/s.
  it.effect("find on disk what host memory has given up", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(writtenThrough({ numG2Blocks: 8, numG3Blocks: 100 })), abab, {
        check: true
      })
      closeTo(admissions(outcome), [0, 1000, 2000 + 15 * blockMs, 3000 + 15 * blockMs])
      assert.deepStrictEqual(
        inOrder(outcome).map(({ tiers }) => tiers?.diskReusedTokens),
        [0, 0, 320, 320]
      )
      assert.strictEqual(moved(outcome)["host disk"], 16)
    })
  )

  it.effect("share a disk between workers, or not", () =>
    Effect.gen(function* () {
      const shared = yield* replay(multiTopology(writtenThrough({ numG3Blocks: 100 }), 2), apart, { check: true })
      assert.strictEqual(inOrder(shared)[3]?.tiers?.diskReusedTokens, promptTokens)
      const own = yield* replay(multiTopology(writtenThrough({ numG3Blocks: 100, g3Scope: "worker" }), 2), apart, {
        check: true
      })
      assert.strictEqual(inOrder(own)[3]?.firstAdmissionReusedTokens, 0)
    })
  )

  // A is on its way to the shared disk, 839 ms a block, when the other worker asks for it: it waits for the last of 8.
  it.effect("let a request wait for what another worker writes", () =>
    Effect.gen(function* () {
      const slow = writtenThrough({ numG3Blocks: 100, hostToDiskGbS: 0.1 })
      const outcome = yield* replay(
        multiTopology(slow, 2),
        workload([
          ["A", 0],
          ["A", 100]
        ]),
        { check: true }
      )
      const [first, second] = inOrder(outcome)
      const inHostMs = first!.firstTokenMs + 8 * blockMs
      const onDiskMs = inHostMs + (8 * 64 * 131_072) / 1e5
      assert.closeTo(second!.firstAdmitMs, onDiskMs + 8 * 2 * blockMs + 8 * blockMs, 1e-9)
      assert.closeTo(second!.tiers!.onboardWaitMs, second!.firstAdmitMs - 100, 1e-9)
    })
  )

  // vLLM computes the last token of a prompt in any case, so its 8th block is never loaded. B takes the 3 blocks that A has left, the
  // one without identity, and the 5 deepest of A, so A finds 3 and loads 4.
  for (const engineProfile of ["vllm-0.33", "vllm-0.17"] as const) {
    it.effect(`serve engines of the profile ${engineProfile}`, () =>
      Effect.gen(function* () {
        const given = { engineProfile, blockTokens: 64, numGpuBlocks: 12, kvBytesPerToken: 131_072, numG2Blocks: 400 }
        for (const deployed of [topology(make(given)), multiTopology(make(given), 1)]) {
          const outcome = yield* replay(deployed, abab, { check: true })
          closeTo(admissions(outcome), [0, 1000, 2000 + 4 * blockMs, 3000 + 4 * blockMs])
          for (const { firstAdmissionReusedTokens, id, tiers } of inOrder(outcome)) {
            assert.strictEqual(firstAdmissionReusedTokens, id < 2 ? 0 : 7 * 64)
            assert.strictEqual(tiers?.hostReusedTokens, id < 2 ? 0 : 4 * 64)
          }
          assert.deepStrictEqual(moved(outcome), { "device host": 16, "host device": 8 })
        }
      })
    )
  }

  it.effect("serve prefill and decode pools", () =>
    Effect.gen(function* () {
      const pools = disaggregatedTopology(writtenThrough({ numGpuBlocks: 12 }), { prefillWorkers: 1, decodeWorkers: 1 })
      const outcome = yield* replay(pools, abab, { check: true })
      const [, , third] = inOrder(outcome)
      assert.isAbove(third!.tiers!.hostReusedTokens, 0)
      assert.strictEqual(outcome.summary.ended, "drained")
    })
  )

  it.effect("have disks that both pools agree on, on either clock", () =>
    Effect.gen(function* () {
      const pool = (workerType: "prefill" | "decode", numG3Blocks: number) =>
        Layer.merge(
          VllmEngine.layer(writtenThrough({ workerType, numG3Blocks })).pipe(Layer.provide(PolynomialTiming.layer)),
          RoundRobin.layer
        )
      const pools = Layer.merge(
        Layer.provide(Topology.PrefillPool.layer, pool("prefill", 10)),
        Layer.provide(Topology.DecodePool.layer, pool("decode", 20))
      )
      const sizes = { prefillWorkers: 1, decodeWorkers: 1 }
      const problems = [
        yield* Effect.scoped(Effect.flip(Layer.build(Layer.provide(Topology.layerDisaggregated(sizes), pools)))),
        yield* Effect.scoped(Effect.flip(Layer.build(Layer.provide(LiveTopology.layerDisaggregated(sizes), pools))))
      ]
      for (const problem of problems)
        assert.include(String(problem), "give both pools the same offload_policy, num_g3_blocks")
    })
  )
})
