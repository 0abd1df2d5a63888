import { assert, describe, it } from "@effect/vitest"
import { Conversations, PromptTrail } from "../../src/record/Conversations.ts"
import { PromptHashes } from "../../src/record/PromptHashes.ts"

const hashes = new PromptHashes("salt")
const trailOf = (text: string): PromptTrail => new PromptTrail(new TextEncoder().encode(text), hashes)
const conversation = (id: string) => ({ id, turn: 0, endedMs: 5 })

describe("conversations", () => {
  it("go on with the prompt that begins with theirs, whatever its length", () => {
    for (const length of [1, 255, 256, 257, 1000, 5120]) {
      const conversations = new Conversations(10)
      const prompt = "x".repeat(length)
      conversations.wait(conversation("one"), trailOf(prompt))
      assert.isUndefined(conversations.take(trailOf(prompt)), "the same prompt again is no later turn")
      assert.isUndefined(conversations.take(trailOf(`y${prompt}`)))
      assert.strictEqual(conversations.take(trailOf(`${prompt}, and more`))?.id, "one")
      assert.isUndefined(conversations.take(trailOf(`${prompt}, and more`)), "the first to go on has it")
    }
  })

  it("go on with the longest one", () => {
    const conversations = new Conversations(10)
    conversations.wait(conversation("short"), trailOf("a".repeat(300)))
    conversations.wait(conversation("long"), trailOf("a".repeat(700)))
    assert.strictEqual(conversations.take(trailOf("a".repeat(800)))?.id, "long")
    assert.strictEqual(conversations.take(trailOf("a".repeat(800)))?.id, "short")
  })

  it("wait again after a turn that failed", () => {
    const conversations = new Conversations(10)
    conversations.wait(conversation("one"), trailOf("a"))
    const taken = conversations.take(trailOf("ab"))
    assert.isDefined(taken)
    conversations.restore(taken)
    assert.strictEqual(conversations.take(trailOf("ab"))?.id, "one")
  })

  it("are given up, oldest first, when too many wait", () => {
    const conversations = new Conversations(2)
    for (const text of ["a", "b", "c"]) conversations.wait(conversation(text), trailOf(text))
    assert.deepStrictEqual(
      ["a", "b", "c"].map((text) => conversations.take(trailOf(`${text}!`))?.id),
      [undefined, "b", "c"]
    )
  })
})
