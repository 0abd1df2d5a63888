/**
 * Requests and the copies of their blocks, by themselves: in a worker the device still has what is being copied down, so that whoever needs it
 * finds it there. Blocks of 64 tokens of 131,072 bytes on a lane of 14 GB/s.
 */
import { assert, describe, it } from "@effect/vitest"
import { RequestCopies } from "../../../src/engine/tiers/RequestCopies.ts"
import { SharedTiers } from "../../../src/engine/tiers/SharedTiers.ts"
import { type TierArgs, tierArgsOf } from "../../../src/engine/tiers/TierArgs.ts"
import { isDue } from "../../../src/engine/tiers/TierUser.ts"
import { Sequence } from "../../../src/engine/vllm/Sequence.ts"
import { noTierUse } from "../../../src/request/SimRequest.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"

const blockTokens = 64
const blocks = 8
const blockMs = (blockTokens * 131_072) / 14e6
const keys = blocksFrom(0, blocks)

const tierArgs = (): TierArgs => {
  const args = tierArgsOf(
    engineArgs({ blockTokens, kvBytesPerToken: 131_072, numG2Blocks: 100, offloadPolicy: "write_through" })
  )
  if (args === undefined) throw new Error("no tiers")
  return args
}

const sequenceOf = (id: number): Sequence => {
  const asked = request({ id, promptTokens: blocks * blockTokens, outputTokens: 2, blocks: keys })
  asked.tiers = noTierUse()
  return new Sequence(asked, 2, keys, blocks)
}

/** Its device keeps block `n` in slot `n`. */
const copiesOfOneWorker = (): RequestCopies<Sequence> => {
  const worker = {
    keyOf: (slot: number) => slot,
    release: () => {},
    publish: () => {},
    roomMade: () => {},
    computeMs: () => 0
  }
  return new RequestCopies(tierArgs(), new SharedTiers(), blockTokens, worker, undefined)
}

describe("a request whose blocks are on their way to host memory", () => {
  it("waits for them at its place, is tried again when they are there, and finds them", () => {
    const copies = copiesOfOneWorker()
    const [computing, waiting] = [sequenceOf(1), sequenceOf(2)]
    computing.slots = keys
    computing.heldBlocks = blocks
    copies.computed(computing, blocks)
    copies.passEnds(10)
    const endMs = 10 + blocks * blockMs

    copies.tick(10.5)
    assert.strictEqual(copies.noticeMs(), Number.POSITIVE_INFINITY)
    assert.isUndefined(copies.find(waiting, 0, blocks, 10.5))
    assert.isFalse(isDue(waiting))
    assert.isTrue(isDue(computing))
    assert.closeTo(copies.noticeMs(), endMs, 1e-9)

    assert.isFalse(copies.tick(endMs - 0.001))
    assert.isFalse(isDue(waiting))
    assert.isTrue(copies.tick(copies.noticeMs()))
    assert.isTrue(isDue(waiting))
    assert.strictEqual(copies.find(waiting, 0, blocks, endMs)?.hostBlocks, blocks)
    assert.closeTo(waiting.request.tiers?.onboardWaitMs ?? -1, endMs - 10.5, 1e-9)
    assert.isUndefined(waiting.deferredBy)
  })

  it("waits for the missing part of a run as well", () => {
    const copies = copiesOfOneWorker()
    const [computing, waiting] = [sequenceOf(1), sequenceOf(2)]
    computing.slots = keys
    computing.heldBlocks = blocks
    copies.computed(computing, 3)
    copies.passEnds(10)
    copies.tick(20)
    copies.computed(computing, blocks)
    copies.passEnds(20)
    copies.tick(20.5)
    assert.isUndefined(copies.find(waiting, 0, blocks, 20.5))
    assert.isFalse(isDue(waiting))
    assert.strictEqual(copies.find(sequenceOf(3), 0, 3, 20.5)?.hostBlocks, 3)
    copies.tick(copies.noticeMs())
    assert.closeTo(waiting.deferredBy?.endedMs ?? -1, 20 + 5 * blockMs, 1e-9)
    assert.strictEqual(copies.find(waiting, 0, blocks, 24)?.hostBlocks, blocks)
  })
})
