/** What answers look like: several choices, stop strings, echoes, log probabilities; tokens and texts; the smaller routes. */
import { assert, describe, it } from "@effect/vitest"
import { planOutput } from "../../src/serve/OutputPlan.ts"
import { outputText, wordCount } from "../../src/serve/OutputText.ts"
import { type Answer, answerOf, eventsOf, eventually, first, metric, parseAnswer, post, served } from "./TestServer.ts"

const completions = "/v1/completions"
const chat = "/v1/chat/completions"
const model = "dynosim"
const user = (content: string) => ({ role: "user", content })

type Choices = Answer["choices"]

/** The pieces of a streamed answer put together, by choice. */
const streamed = async (url: string, path: string, request: object): Promise<Map<number, Choices>> => {
  const events = await eventsOf(await post(url, path, { ...request, stream: true }))
  assert.strictEqual(events.at(-1), "[DONE]")
  const byChoice = new Map<number, Array<Choices[number]>>()
  for (const event of events.slice(0, -1)) {
    for (const choice of parseAnswer(event).choices) {
      byChoice.set(choice.index, [...(byChoice.get(choice.index) ?? []), choice])
    }
  }
  return byChoice
}

const textOf = (pieces: Choices | undefined): string => (pieces ?? []).map(({ text }) => text).join("")

describe("several choices", () => {
  served("are made for each of several prompts, whole and streamed alike", {}, async (url) => {
    const request = { model, prompt: ["abcdefgh", "another one", [1, 2, 3]], n: 2, max_tokens: 6 }
    const body = await answerOf(post(url, completions, request))
    assert.deepStrictEqual(
      body.choices.map(({ index }) => index),
      [0, 1, 2, 3, 4, 5]
    )
    const texts = body.choices.map(({ text }) => text)
    assert.strictEqual(new Set(texts).size, 6)
    for (const text of texts) assert.match(text, /^( [a-z]{3}){6}$/)
    assert.deepStrictEqual(
      [body.usage.prompt_tokens, body.usage.completion_tokens, body.usage.total_tokens],
      [2 + 3 + 3, 36, 44]
    )
    const pieces = await streamed(url, completions, request)
    assert.deepStrictEqual(
      Array.from({ length: 6 }, (_, index) => textOf(pieces.get(index))),
      texts
    )
    for (const choice of pieces.values()) {
      assert.strictEqual(choice.length, 7)
      assert.strictEqual(choice.at(-1)?.finish_reason, "length")
    }
    assert.strictEqual(await metric(url, "vllm:request_success_total"), 12)
  })

  served("of a chat begin with their role each, and the first is that of a request for one", {}, async (url) => {
    const request = { model, messages: [user("Hello")], max_tokens: 4 }
    const [one, three] = await Promise.all([
      answerOf(post(url, chat, request)),
      answerOf(post(url, chat, { ...request, n: 3 }))
    ])
    assert.strictEqual(three.choices.length, 3)
    assert.strictEqual(first(three.choices).message.content, first(one.choices).message.content)
    assert.strictEqual(three.usage.prompt_tokens, one.usage.prompt_tokens)
    const pieces = await streamed(url, chat, { ...request, n: 3 })
    for (const choice of pieces.values()) assert.strictEqual(first(choice).delta.role, "assistant")
    assert.strictEqual(pieces.size, 3)
  })

  served(
    "count one by one against the limit, and all of them end with their client",
    {
      serve: { maxConcurrentRequests: 3 }
    },
    async (url) => {
      const abort = new AbortController()
      const long = { model, prompt: "a", max_tokens: 20_000, n: 2, stream: true }
      const response = await post(url, completions, long, { signal: abort.signal })
      assert.strictEqual((await answerOf(fetch(`${url}/load`))).server_load, 2)
      assert.strictEqual((await post(url, completions, { model, prompt: ["a", "b"], max_tokens: 1 })).status, 429)
      assert.strictEqual((await post(url, completions, { model, prompt: "a", max_tokens: 1 })).status, 200)
      abort.abort()
      await response.text().catch(() => "aborted")
      await eventually(async () => (await answerOf(fetch(`${url}/load`))).server_load, 0)
      await eventually(() => metric(url, "vllm:num_requests_running"), 0)
    }
  )
})

describe("a stop string", () => {
  const rule = (strings: ReadonlyArray<string>, more: { kept?: boolean; minTokens?: number } = {}) => ({
    strings,
    kept: more.kept ?? false,
    minTokens: more.minTokens ?? 0
  })
  const text = outputText(7, 0, 50)

  it("ends the output with the token that completes it, and is cut off unless kept", () => {
    // Across the boundary of the third and the fourth word.
    const stop = text.slice(10, 14)
    const start = text.indexOf(stop)
    const plan = planOutput(7, 50, rule([stop]))
    assert.deepStrictEqual(plan, { seed: 7, tokens: Math.ceil((start + 4) / 4), characters: start, stop })
    assert.strictEqual(planOutput(7, 50, rule([stop], { kept: true })).characters, start + 4)
  })

  it("that comes first counts, and of two in one token the one named first", () => {
    const [early, late] = [text.slice(8, 12), text.slice(60, 70)]
    assert.strictEqual(planOutput(7, 50, rule([late, early])).stop, early)
    const [left, right] = [text.slice(9, 11), text.slice(9, 12)]
    assert.strictEqual(planOutput(7, 50, rule([right, left])).stop, text.indexOf(left) < 8 ? left : right)
  })

  it("does not end the output before its least length", () => {
    const stop = text.slice(1, 4)
    const later = planOutput(7, 50, rule([stop], { minTokens: 1 }))
    assert.strictEqual(later.stop === undefined, text.indexOf(stop, 2) < 0)
    assert.isAbove(later.tokens, 1)
  })

  it("that never comes changes nothing", () => {
    assert.deepStrictEqual(planOutput(7, 50, rule(["XYZ"])), { seed: 7, tokens: 50, characters: 200, stop: undefined })
  })

  served("ends an answer, whole and streamed alike", {}, async (url) => {
    const request = { model, prompt: "Once upon a time", max_tokens: 30 }
    const whole = first((await answerOf(post(url, completions, request))).choices).text
    const stop = whole.slice(41, 47)
    const cut = whole.slice(0, whole.indexOf(stop))
    const body = await answerOf(post(url, completions, { ...request, stop: ["nowhere", stop] }))
    const choice = first(body.choices)
    assert.deepStrictEqual([choice.text, choice.finish_reason, choice.stop_reason], [cut, "stop", stop])
    assert.strictEqual(body.usage.completion_tokens, Math.ceil((cut.length + stop.length) / 4))
    const kept = await answerOf(post(url, completions, { ...request, stop, include_stop_str_in_output: true }))
    assert.strictEqual(first(kept.choices).text, cut + stop)
    const pieces = (await streamed(url, completions, { ...request, stop })).get(0)
    assert.deepStrictEqual([textOf(pieces), pieces?.at(-1)?.finish_reason], [cut, "stop"])
    const text = await (await fetch(`${url}/metrics`)).text()
    assert.include(text, 'finished_reason="stop"} 3')
    assert.include(text, 'finished_reason="length"} 1')
  })
})

describe("an echo", () => {
  served("puts the prompt before each choice", {}, async (url) => {
    const prompt = 'Grüße, \u0001 "Welt"\n'
    const request = { model, prompt: [prompt, "b"], max_tokens: 2, n: 2 }
    const plain = await answerOf(post(url, completions, request))
    const echoed = await answerOf(post(url, completions, { ...request, echo: true }))
    assert.deepStrictEqual(
      echoed.choices.map(({ text }) => text),
      plain.choices.map(({ text }, index) => (index < 2 ? prompt : "b") + text)
    )
    const pieces = await streamed(url, completions, { ...request, echo: true })
    assert.strictEqual(textOf(pieces.get(1)), echoed.choices[1]!.text)
  })

  served("gives the text of token numbers", {}, async (url) => {
    const { tokens } = await answerOf(post(url, "/tokenize", { prompt: "of numbers" }))
    const { choices } = await answerOf(post(url, completions, { model, prompt: tokens, max_tokens: 1, echo: true }))
    assert.match(first(choices).text, /^of numbers [a-z]{3}$/)
  })
})

describe("log probabilities", () => {
  const logprob = -Math.log(wordCount)

  served("of completions", {}, async (url) => {
    const request = { model, prompt: "a", max_tokens: 3, logprobs: 2 }
    const choice = first((await answerOf(post(url, completions, request))).choices)
    const { logprobs } = choice
    assert(logprobs !== null)
    assert.strictEqual(logprobs.tokens.join(""), choice.text)
    assert.deepStrictEqual(logprobs.text_offset, [0, 4, 8])
    assert.deepStrictEqual(logprobs.token_logprobs, [logprob, logprob, logprob])
    for (const [index, top] of logprobs.top_logprobs.entries()) {
      assert.strictEqual(Object.keys(top).length, 2)
      assert.strictEqual(top[logprobs.tokens[index]!], logprob)
    }
    const pieces = (await streamed(url, completions, request)).get(0)!
    assert.deepStrictEqual(
      pieces.slice(0, -1).map((piece) => [piece.text, piece.logprobs?.text_offset]),
      logprobs.tokens.map((token, index) => [token, [4 * index]])
    )
    const { choices } = await answerOf(post(url, completions, { ...request, logprobs: 0 }))
    assert.deepStrictEqual(Object.keys(first(first(choices).logprobs!.top_logprobs)), [
      first(first(choices).logprobs!.tokens)
    ])
  })

  served("of chats", {}, async (url) => {
    const request = { model, messages: [user("a")], max_tokens: 2, logprobs: true }
    const { choices } = await answerOf(post(url, chat, { ...request, top_logprobs: 20 }))
    const { logprobs, message } = first(choices)
    assert(logprobs !== null)
    assert.strictEqual(logprobs.content.map(({ token }) => token).join(""), message.content)
    for (const { bytes, token, top_logprobs } of logprobs.content) {
      assert.deepStrictEqual(bytes, [...Buffer.from(token)])
      assert.strictEqual(new Set(top_logprobs.map((one) => one.token)).size, 20)
      assert.deepStrictEqual(first(top_logprobs), { token, logprob, bytes })
    }
    const bare = first((await answerOf(post(url, chat, request))).choices).logprobs
    assert.deepStrictEqual(
      bare?.content.map(({ top_logprobs }) => top_logprobs),
      [[], []]
    )
    const pieces = (await streamed(url, chat, request)).get(0)!
    assert.deepStrictEqual(
      pieces.map((piece) => piece.logprobs?.content.length ?? null),
      [1, 1, null]
    )
  })
})

describe("parameters that shape words alone", () => {
  served("are accepted", {}, async (url) => {
    const response = await post(url, chat, {
      model,
      messages: [user("a")],
      max_tokens: 1,
      temperature: 0.3,
      top_p: 0.9,
      top_k: -1,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.1,
      logit_bias: { "17": -100 },
      ignore_eos: true,
      user: "u",
      metadata: { a: "b" },
      tools: [],
      tool_choice: "auto",
      parallel_tool_calls: false,
      response_format: { type: "text" },
      stop: null,
      n: null,
      priority: 0,
      guided_json: null
    })
    assert.strictEqual(response.status, 200)
  })

  served("and tools are part of the prompt", {}, async (url) => {
    const request = { model, messages: [user("a")], max_tokens: 1 }
    const tools = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }]
    const promptTokens = async (body: object) => (await answerOf(post(url, chat, body))).usage.prompt_tokens
    const plain = await promptTokens(request)
    assert.isAbove(await promptTokens({ ...request, tools }), plain + 15)
    const calls = [{ id: "c1", type: "function", function: { name: "look", arguments: '{"at":"the sky"}' } }]
    const messages = [
      user("a"),
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", tool_call_id: "c1", content: "blue" }
    ]
    const bare = [user("a"), { role: "assistant", content: null }, { role: "tool", content: "blue" }]
    assert.isAbove(
      await promptTokens({ ...request, messages }),
      (await promptTokens({ ...request, messages: bare })) + 10
    )
  })
})

describe("tokens and texts", () => {
  served("are told, and back", {}, async (url) => {
    for (const prompt of ["Once upon a time", "Grüße 🙂", "", "\ufeffx"]) {
      const told = await answerOf(post(url, "/tokenize", { model, prompt, return_token_strs: true }))
      assert.strictEqual(told.count, Math.ceil(Buffer.byteLength(prompt) / 4))
      assert.strictEqual(told.tokens.length, told.count)
      assert.strictEqual(told.token_strs?.length, told.count)
      assert.strictEqual(told.max_model_len, 64_000)
      const back = await answerOf(post(url, "/detokenize", { tokens: told.tokens }))
      assert.strictEqual(back.prompt, prompt)
    }
  })

  served("count a chat as its prompt will", {}, async (url) => {
    const messages = [user("Hello"), { role: "assistant", content: "there" }, user("again")]
    const { count } = await answerOf(post(url, "/tokenize", { messages }))
    const { usage } = await answerOf(post(url, chat, { model, messages, max_tokens: 1 }))
    assert.strictEqual(count, usage.prompt_tokens)
    const open = await answerOf(post(url, "/tokenize", { messages, add_generation_prompt: false }))
    assert.strictEqual(open.count, count - 6)
  })

  served("are refused when they are none", {}, async (url) => {
    for (const [path, body, status] of [
      ["/tokenize", { model: "other", prompt: "a" }, 404],
      ["/tokenize", {}, 400],
      ["/tokenize", { prompt: "a", messages: [user("a")] }, 400],
      ["/detokenize", { tokens: [2 ** 32] }, 400],
      ["/detokenize", { tokens: [1], tokns: [2] }, 400]
    ] as const) {
      const response = await post(url, path, body)
      assert.strictEqual(response.status, status, JSON.stringify(body))
      assert.strictEqual((await answerOf(response)).error.type, "invalid_request_error")
    }
  })
})

describe("the smaller routes", () => {
  served("answer", {}, async (url) => {
    assert.strictEqual((await fetch(`${url}/ping`)).status, 200)
    assert.strictEqual((await fetch(`${url}/ping`, { method: "POST" })).status, 200)
    assert.strictEqual((await answerOf(fetch(`${url}/load`))).server_load, 0)
  })

  served("say where to turn instead", {}, async (url) => {
    for (const path of ["/v1/embeddings", "/v1/responses", "/v1/messages", "/rerank"]) {
      const response = await post(url, path, { model, input: "a" })
      assert.strictEqual(response.status, 404)
      const { error } = await answerOf(response)
      assert.strictEqual(error.code, "unsupported_endpoint")
      assert.match(error.message, new RegExp(`does not offer ${path}: `))
    }
  })
})
