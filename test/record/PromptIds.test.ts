/** Ids of prompts: as many as there are trace blocks, shared exactly as far as the bytes are. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { promptBlockBytes, PromptHashes } from "../../src/record/PromptHashes.ts"
import { PromptIds } from "../../src/record/PromptIds.ts"

const blockTokens = 64
const hashes = new PromptHashes("salt")

/** Bytes that differ from seed to seed in every block. */
const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (seed * 31 + Math.imul(at, 2654435761) + (at >> 8)) & 0xff)

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))

const idsOf = (ids: PromptIds, bytes: Uint8Array, tokens: number): ReadonlyArray<number> =>
  ids.idsOf(hashes.ofBlocks(bytes), { bytes: bytes.length, tokens })

const common = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): number => {
  let shared = 0
  while (shared < one.length && one[shared] === other[shared]) shared++
  return shared
}

describe("hash ids of prompts", () => {
  it("are shared as far as the bytes, at any number of bytes per token", () => {
    for (const bytesPerToken of [1.3, 3, 4, 4.7, 9]) {
      const ids = new PromptIds(blockTokens, 100_000)
      const system = bytesOf(20 * promptBlockBytes, 1)
      const prompts = [2, 3].map((seed) => joined(system, bytesOf(5000, seed)))
      const [one, other] = prompts.map((bytes) => idsOf(ids, bytes, Math.round(bytes.length / bytesPerToken)))
      const sharedTokens = system.length / bytesPerToken
      assert.strictEqual(one!.length, Math.ceil(Math.round(prompts[0]!.length / bytesPerToken) / blockTokens))
      assert.closeTo(
        common(one!, other!) * blockTokens,
        sharedTokens,
        Math.max(blockTokens, promptBlockBytes / bytesPerToken)
      )
      assert.isAtMost(common(one!, other!) * blockTokens, sharedTokens)
    }
  })

  it("stay shared where a later prompt has other tokens per byte", () => {
    const ids = new PromptIds(blockTokens, 100_000)
    const turn = bytesOf(40 * promptBlockBytes, 1)
    const first = idsOf(ids, turn, 2560)
    const longer = joined(turn, bytesOf(10 * promptBlockBytes, 2))
    assert.strictEqual(common(first, idsOf(ids, longer, 3300)), first.length)
    assert.strictEqual(common(first, idsOf(ids, longer, 3100)), first.length)
  })

  it("are measured anew by a prompt twice as long, so that a short one does not spoil a conversation", () => {
    const ids = new PromptIds(blockTokens, 100_000)
    const bytes = bytesOf(64 * promptBlockBytes, 1)
    idsOf(ids, bytes.subarray(0, 300), 60)
    const turns = [32, 40, 50, 64].map((blocks) =>
      idsOf(ids, bytes.subarray(0, blocks * promptBlockBytes), blocks * 64)
    )
    for (const [turn, longer] of turns.slice(1).entries()) {
      assert.strictEqual(common(turns[turn]!, longer), turns[turn]!.length)
    }
  })

  const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

  it.prop(
    "are as many as the tokens ask for, all of one prompt different, and the same again for the same prompt",
    [upTo(6000), upTo(4000), upTo(1000)],
    ([length, moreTokens, seed]) => {
      const ids = new PromptIds(blockTokens, 100_000)
      const bytes = bytesOf(length, seed)
      const one = idsOf(ids, bytes, moreTokens + 1)
      assert.strictEqual(one.length, Math.ceil((moreTokens + 1) / blockTokens))
      assert.strictEqual(new Set(one).size, one.length)
      assert.strictEqual(common(one, idsOf(ids, bytes, moreTokens + 1)), length === 0 ? 0 : one.length)
    }
  )

  it("are no longer recognised once there are too many, and never confused", () => {
    const ids = new PromptIds(blockTokens, 10)
    const bytes = bytesOf(30 * promptBlockBytes, 1)
    const one = idsOf(ids, bytes, 30 * blockTokens)
    assert.isTrue(ids.isFull)
    const other = idsOf(ids, bytesOf(30 * promptBlockBytes, 2), 30 * blockTokens)
    assert.strictEqual(new Set([...one, ...other]).size, 60)
  })

  it("depend on the salt: the same prompt cannot be recognised in another recording", () => {
    const bytes = bytesOf(1000, 1)
    assert.notDeepEqual(new PromptHashes("one").ofBlocks(bytes), new PromptHashes("other").ofBlocks(bytes))
  })
})
