/**
 * Tiers of SGLang-style engines, which copy every page once it is complete, worked by hand. Pages of 64 tokens of 131,072 bytes take
 * 64 * 131,072 / 14e6 = 0.599 ms on a lane of 14 GB/s. Prompts have 8 pages and two output tokens.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import { SeriesProbe } from "../../src/observe/SeriesProbe.ts"
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

const args = (changes: Partial<EngineArgs> = {}): EngineArgs => writtenThrough({ engineType: "sglang", ...changes })

describe("tiers of an SGLang-style engine", () => {
  const branches = workload([
    ["AC", 0],
    ["AD", 1000],
    ["AC", 2000],
    ["AD", 3000]
  ])

  // AC: 8 pages are one node of the tree, and are copied when the pass has ended. AD finds the first 4, which become a node of their own,
  // and takes the last 4 free pages, so that its first token evicts the other half of AC: one node, at no cost. AC loads these 4 pages
  // into free slots, in 4 page times, and its own first token evicts the half that is AD's, which is loaded again in turn.
  it.effect("load what is missing behind the cached prefix", () =>
    Effect.gen(function* () {
      for (const deployed of [topology(args()), multiTopology(args(), 1)]) {
        const outcome = yield* replay(deployed, branches, { check: true })
        closeTo(admissions(outcome), [0, 1000, 2000 + 4 * blockMs, 3000 + 4 * blockMs])
        assert.deepStrictEqual(
          inOrder(outcome).map(({ firstAdmissionReusedTokens }) => firstAdmissionReusedTokens),
          [0, 256, 512, 512]
        )
        for (const { id, tiers } of inOrder(outcome)) {
          assert.strictEqual(tiers?.hostReusedTokens, id < 2 ? 0 : 256)
          assert.closeTo(tiers?.onboardWaitMs ?? -1, id < 2 ? 0 : 4 * blockMs, 1e-9)
          assert.strictEqual(tiers?.offloadWaitMs, 0)
        }
        assert.deepStrictEqual(moved(outcome), { "device host": 12, "host device": 8 })
        assert.strictEqual(outcome.summary.tiers?.droppedBlocks, 0)
      }
    })
  )

  // Whole prompts are looked up but for their last token, so the 8th page is computed. Or else first chunks only: of two chunks, the second
  // is the node that is evicted and would have to be loaded.
  it.effect("load no more than the radix cache looks up", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(args({ sglangMatch: "whole" })), branches, { check: true })
      assert.deepStrictEqual(
        inOrder(outcome).map(({ tiers }) => tiers?.hostReusedTokens),
        [0, 0, 192, 192]
      )
      const chunked = args({ sglang: { ...args().sglang, chunkedPrefillTokens: 384 } })
      const inChunks = yield* replay(topology(chunked), branches, { check: true })
      assert.deepStrictEqual(
        inOrder(inChunks).map(({ firstAdmissionReusedTokens }) => firstAdmissionReusedTokens),
        [0, 256, 384, 384]
      )
      assert.strictEqual(moved(inChunks)["host device"], 0)
    })
  )

  it.effect("show in the time series what they hold and move", () =>
    Effect.gen(function* () {
      const series = new SeriesProbe(1000)
      yield* replay(multiTopology(args({ numG3Blocks: 100 }), 1), branches, { probes: [series] })
      const rows = series.take().filter(({ scope }) => scope === "run")
      assert.deepStrictEqual(
        rows.map(({ diskBlocks, hostBlocks, hostMovedBlocks }) => [hostBlocks, diskBlocks, hostMovedBlocks]),
        [
          [8, 8, 8],
          [12, 12, 12],
          [12, 12, 16],
          [12, 12, 20]
        ]
      )
    })
  )

  // Whole nodes are evicted: B takes the place of all of A.
  it.effect("find on disk what host memory has given up", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(args({ numG2Blocks: 8, numG3Blocks: 100 })), abab, { check: true })
      closeTo(admissions(outcome), [0, 1000, 2000 + 24 * blockMs, 3000 + 24 * blockMs])
      assert.deepStrictEqual(
        inOrder(outcome).map(({ tiers }) => tiers?.diskReusedTokens),
        [0, 0, promptTokens, promptTokens]
      )
      assert.strictEqual(moved(outcome)["host disk"], 16)
    })
  )

  it.effect("load only what is faster loaded than computed, where asked", () =>
    Effect.gen(function* () {
      const fast = yield* replay(topology(args({ onboard: "faster" })), abab)
      closeTo(admissions(fast), [0, 1000, 2000 + 8 * blockMs, 3000 + 8 * blockMs])
      const slow = yield* replay(topology(args({ onboard: "faster", hostToDeviceGbS: 0.1 })), abab)
      closeTo(admissions(slow), [0, 1000, 2000, 3000])
      assert.strictEqual(moved(slow)["host device"], 0)
    })
  )

  // Copies at 0.1 GB/s take 83.9 ms a page. Those of A run until 8 of these after its first pass and lock its 8 pages: B waits.
  it.effect("keep the slots of copies under way", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(args({ deviceToHostGbS: 0.1 })), soonAfter, { check: true })
      const [first, second] = inOrder(outcome)
      assert.closeTo(second!.firstAdmitMs, first!.firstTokenMs + (8 * 64 * 131_072) / 1e5, 1e-9)
    })
  )

  // The second A finds all 8 pages under way and waits for them; C, cached, passes both.
  it.effect("let a request wait for what another loads, and others pass it", () =>
    Effect.gen(function* () {
      const outcome = yield* replay(topology(args({ numGpuBlocks: 30 })), passing, { check: true })
      const [, , , , fifth, sixth, seventh] = inOrder(outcome)
      assert.strictEqual(seventh!.firstAdmitMs, 2001.5)
      const passEndMs = seventh!.firstTokenMs
      closeTo([fifth!.firstAdmitMs, sixth!.firstAdmitMs], [passEndMs, passEndMs])
      closeTo([fifth!.tiers!.onboardWaitMs, sixth!.tiers!.onboardWaitMs], [passEndMs - 2000, passEndMs - 2001])
      assert.deepStrictEqual([fifth!.tiers!.hostReusedTokens, sixth!.tiers!.hostReusedTokens], [promptTokens, 0])
      assert.strictEqual(sixth!.firstAdmissionReusedTokens, promptTokens)
      assert.strictEqual(moved(outcome)["host device"], 8)
    })
  )

  it.effect("share a disk between workers, or not", () =>
    Effect.gen(function* () {
      const shared = yield* replay(multiTopology(args({ numG3Blocks: 100 }), 2), apart, { check: true })
      assert.strictEqual(inOrder(shared)[3]?.tiers?.diskReusedTokens, promptTokens)
      const own = yield* replay(multiTopology(args({ numG3Blocks: 100, g3Scope: "worker" }), 2), apart, { check: true })
      assert.strictEqual(inOrder(own)[3]?.firstAdmissionReusedTokens, 0)
    })
  )

  it.effect("serve prefill and decode pools", () =>
    Effect.gen(function* () {
      const pools = disaggregatedTopology(args(), { prefillWorkers: 1, decodeWorkers: 1 })
      const outcome = yield* replay(pools, abab, { check: true })
      const [, , third] = inOrder(outcome)
      assert.strictEqual(third!.tiers!.hostReusedTokens, promptTokens)
      assert.isAtLeast(moved(outcome)["device host"]!, 32)
      assert.strictEqual(outcome.summary.ended, "drained")
    })
  )
})
