/** Small runs with KV tiers whose times are worked by hand: prompts of 8 blocks, named by letters. */
import { assert } from "@effect/vitest"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import type { Outcome } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

export const promptTokens = 512

/** A block of 64 tokens of 131,072 bytes on a lane of 14 GB/s, ms. */
export const blockMs = (64 * 131_072) / 14e6

/** Prompts by their letters, each at its time: "A" has 8 blocks of its own, "AB" and "AC" have the first 4 in common. */
export const workload = (arrivals: ReadonlyArray<readonly [letters: string, timestampMs: number]>) =>
  PlainWorkload.layer({
    rows: arrivals.map(([letters, timestampMs], index) => {
      const hashIds = Array.from(
        { length: 8 },
        (_, block) => letters.charCodeAt(Math.floor((block * letters.length) / 8)) * 100 + block
      )
      return row({ timestampMs, promptTokens, outputTokens: 2, hashIds }, index + 1)
    }),
    traceBlockTokens: 64
  })

/** Two prompts that do not fit into 12 blocks together, each asked for twice. */
export const abab = workload([
  ["A", 0],
  ["B", 1000],
  ["A", 2000],
  ["B", 3000]
])

/** Round robin over two workers: the second A goes to the worker that has not seen it. */
export const apart = workload([
  ["A", 0],
  ["B", 1000],
  ["C", 2000],
  ["A", 3000]
])

/** B comes soon after A. */
export const soonAfter = workload([
  ["A", 0],
  ["B", 100]
])

/** The second A finds what it needs on its way for the first; C, cached, passes both. */
export const passing = workload([
  ["A", 0],
  ["B", 500],
  ["C", 1000],
  ["D", 1500],
  ["A", 2000],
  ["A", 2001],
  ["C", 2001.5]
])

/** An engine of 12 blocks whose blocks are copied to host memory once they are computed. */
export const writtenThrough = (changes: Partial<EngineArgs> = {}): EngineArgs =>
  engineArgs({
    blockTokens: 64,
    numGpuBlocks: 12,
    kvBytesPerToken: 131_072,
    numG2Blocks: 400,
    offloadPolicy: "write_through",
    ...changes
  })

export const inOrder = ({ records }: Outcome): ReadonlyArray<RequestRecord> => records.toSorted((a, b) => a.id - b.id)

export const admissions = (outcome: Outcome): ReadonlyArray<number> =>
  inOrder(outcome).map(({ firstAdmitMs }) => firstAdmitMs)

export const closeTo = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>): void => {
  assert.strictEqual(actual.length, expected.length)
  actual.forEach((value, index) => assert.closeTo(value, expected[index]!, 1e-9, `at ${index} of ${actual.join(", ")}`))
}

export const moved = ({ summary }: Outcome) =>
  Object.fromEntries(summary.tiers?.links.map(({ blocks, from, to }) => [`${from} ${to}`, blocks]) ?? [])
