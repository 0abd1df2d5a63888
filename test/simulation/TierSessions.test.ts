/** Sessions on engines with KV tiers: a later turn finds its history below the device, where others have taken its place there. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type EngineArgs, type GivenEngineArgs, make } from "../../src/engine/EngineArgs.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { multiTopology, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"
import { promptTokens } from "./TierRuns.ts"

const blocks = (first: number, count: number): Array<number> =>
  Array.from({ length: count }, (_, block) => first + block)

// On 12 blocks: the 8 of S, 1500 ms later its 8 and 2 more; in between the 8 of T.
const turns = [
  { sessionId: "S", timestampMs: 0, delayMs: undefined, hashIds: blocks(100, 8) },
  { sessionId: "S", timestampMs: undefined, delayMs: 1500, hashIds: blocks(100, 10) },
  { sessionId: "T", timestampMs: 1000, delayMs: undefined, hashIds: blocks(200, 8) }
]

const sessions = Layer.orDie(
  Workload.layerRows({
    rows: Stream.fromIterable(
      turns.map((turn, index) => row({ ...turn, promptTokens: turn.hashIds.length * 64, outputTokens: 2 }, index + 1))
    ),
    name: "turns",
    traceBlockTokens: 64
  })
)

/** The second turn of S, and how long after the end of the first it came. */
const secondTurn = (args: EngineArgs, router: boolean) =>
  Effect.gen(function* () {
    const { records } = yield* replay(router ? multiTopology(args, 1) : topology(args), sessions, { check: true })
    const [first, second] = records
      .filter(({ sessionId }) => sessionId === "S")
      .toSorted((a, b) => a.turnIndex - b.turnIndex)
    assert.closeTo(second!.arrivalMs - first!.lastTokenMs, 1500, 1e-9)
    return second!
  })

describe("a later turn of a session", () => {
  const engines: Readonly<Record<string, GivenEngineArgs>> = {
    "vllm, on_evict": { offloadPolicy: "on_evict" },
    "vllm, write_through": { offloadPolicy: "write_through" },
    "vllm-0.33": { engineProfile: "vllm-0.33" },
    "trtllm, on_evict": { engineType: "trtllm", offloadPolicy: "on_evict" },
    "trtllm, write_through": { engineType: "trtllm", offloadPolicy: "write_through" },
    "sglang, write_through": { engineType: "sglang", offloadPolicy: "write_through" }
  }

  for (const [name, given] of Object.entries(engines)) {
    it.effect(`finds its history in host memory: ${name}`, () =>
      Effect.gen(function* () {
        const args = make({ blockTokens: 64, numGpuBlocks: 12, kvBytesPerToken: 131_072, numG2Blocks: 100, ...given })
        const plain = yield* secondTurn({ ...args, numG2Blocks: 0 }, false)
        assert.isBelow(plain.firstAdmissionReusedTokens, promptTokens)
        for (const router of [false, true]) {
          const { firstAdmissionReusedTokens, tiers } = yield* secondTurn(args, router)
          assert.strictEqual(firstAdmissionReusedTokens, promptTokens)
          assert.strictEqual(tiers?.hostReusedTokens, promptTokens - plain.firstAdmissionReusedTokens)
        }
      })
    )
  }
})
