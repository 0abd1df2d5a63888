/** The bytes of prompts: equal for what a server sees as equal, and different as soon as it sees a difference. */
import { assert, describe, it } from "@effect/vitest"
import { promptOf } from "../../src/record/PromptBytes.ts"

const bytesOf = (body: unknown): ReadonlyArray<number> => [...(promptOf(body).bytes ?? [])]

interface Message {
  readonly role: string
  readonly content: unknown
  readonly tool_calls?: ReadonlyArray<unknown>
}

const chat = (...messages: ReadonlyArray<Message>): ReadonlyArray<number> => bytesOf({ messages })

const user = (content: unknown): Message => ({ role: "user", content })

describe("bytes of a prompt", () => {
  it("of a chat begin with those of the chat that it continues", () => {
    const one = chat(user("ab"))
    const two = chat(user("ab"), { role: "assistant", content: "cd" })
    assert.deepStrictEqual(two.slice(0, one.length), one)
    assert.isAbove(two.length, one.length)
  })

  it("tell where a message ends, and what of it is its role, its text and its calls", () => {
    const calls = [{ id: "f" }]
    const different = [
      chat(user("a"), user("b")),
      chat(user("auser"), user("b")),
      chat(user("a"), { role: "xuser", content: "b" }),
      chat(user("ax"), user("b")),
      chat(user("auserb")),
      chat({ role: "userauserb", content: "" }),
      chat({ ...user("a"), tool_calls: calls }),
      chat(user(`a${JSON.stringify(calls)}`))
    ]
    assert.strictEqual(new Set(different.map(String)).size, different.length)
  })

  it("are those of its text, whether it comes whole or in parts; anything else counts as it is written", () => {
    const image = { type: "image_url", image_url: { url: "data:1" } }
    const text = (part: string) => ({ type: "text", text: part })
    assert.deepStrictEqual(chat(user([text("a"), text("b")])), chat(user("ab")))
    assert.notDeepEqual(chat(user([text("a"), image])), chat(user("a")))
    assert.deepStrictEqual(chat(user(undefined)), chat(user("")))
  })

  it("begin with the tools, where there are any; an empty list is none, as are no calls", () => {
    const messages = [user("a")]
    const plain = bytesOf({ messages })
    const tools = [{ type: "function", function: { name: "f" } }]
    const given = bytesOf({ messages, tools })
    assert.deepStrictEqual(given.slice(-plain.length), plain)
    assert.strictEqual(given.length, JSON.stringify(tools).length + 1 + plain.length)
    for (const none of [[], null]) assert.deepStrictEqual(bytesOf({ messages, tools: none }), plain)
    assert.deepStrictEqual(chat({ ...user("a"), tool_calls: [] }), plain)
  })

  it("of a completion are its text, or four a token", () => {
    assert.deepStrictEqual(bytesOf({ prompt: "aé" }), [0x61, 0xc3, 0xa9])
    assert.deepStrictEqual(bytesOf({ prompt: ["aé"] }), [0x61, 0xc3, 0xa9])
    assert.deepStrictEqual(bytesOf({ prompt: [1, 258] }), [1, 0, 0, 0, 2, 1, 0, 0])
    assert.deepStrictEqual(bytesOf({ prompt: [[1, 258]] }), [1, 0, 0, 0, 2, 1, 0, 0])
  })

  it("are none where it is not one prompt with one answer", () => {
    const problemOf = (body: unknown): string | undefined => promptOf(body).problem
    assert.strictEqual(problemOf({ prompt: "a", n: 2 }), "asks for several answers")
    assert.strictEqual(problemOf({ prompt: "a", best_of: 2 }), "asks for several answers")
    assert.isUndefined(problemOf({ prompt: "a", n: 1, best_of: 1 }))
    assert.strictEqual(problemOf({ prompt: ["a", "b"] }), "has several prompts")
    for (const prompt of [undefined, [], 7]) assert.strictEqual(problemOf({ prompt }), "has no prompt")
  })
})
