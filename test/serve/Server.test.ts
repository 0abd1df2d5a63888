/** The endpoint through real connections. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { PassOutcome } from "../../src/engine/WorkerCore.ts"
import { EngineStalled } from "../../src/engine/EngineStalled.ts"
import { Pace } from "../../src/online/Pace.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { Router } from "../../src/router/Router.ts"
import { RouterFault } from "../../src/router/RouterFault.ts"
import { defaultServeOptions } from "../../src/serve/ServeOptions.ts"
import { serve } from "../../src/serve/Server.ts"
import { aggregated, engineOf } from "../online/OnlineRuns.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { request } from "../support/RequestBuilder.ts"
import {
  answerOf,
  eventsOf,
  eventually,
  first,
  metric,
  parseAnswer,
  post,
  rawConnection,
  received,
  served,
  startServer
} from "./TestServer.ts"

const completions = "/v1/completions"
const chat = "/v1/chat/completions"
const model = "dynosim"
const user = (content: string) => ({ role: "user", content })

describe("completions", () => {
  served("answers whole", {}, async (url) => {
    const response = await post(url, completions, { model, prompt: "Once upon a time", max_tokens: 7 })
    assert.strictEqual(response.status, 200)
    const body = await answerOf(response)
    assert.match(body.id, /^cmpl-/)
    assert.strictEqual(body.object, "text_completion")
    assert.isAbove(body.created, 1.7e9)
    assert.match(first(body.choices).text, /^( [a-z]{3}){7}$/)
    assert.strictEqual(first(body.choices).finish_reason, "length")
    assert.deepStrictEqual(body.usage, {
      prompt_tokens: 4,
      completion_tokens: 7,
      total_tokens: 11,
      prompt_tokens_details: { cached_tokens: 0 }
    })
  })

  served("streams one event per token, then the end", {}, async (url) => {
    const request = { model, prompt: "Once upon a time", max_tokens: 7 }
    const whole = await answerOf(post(url, completions, request))
    const response = await post(url, completions, { ...request, stream: true })
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/)
    const events = await eventsOf(response)
    assert.strictEqual(events.at(-1), "[DONE]")
    const pieces = events.slice(0, -1).map((event) => parseAnswer(event))
    assert.strictEqual(pieces.length, 8)
    assert.strictEqual(pieces.map(({ choices }) => first(choices).text).join(""), first(whole.choices).text)
    assert.deepStrictEqual(
      pieces.map(({ choices }) => first(choices).finish_reason),
      [...Array(7).fill(null), "length"]
    )
    assert.strictEqual(new Set(pieces.map(({ id }) => id)).size, 1)
    assert.isUndefined(pieces[0]!.usage)
  })

  served("takes lists of one prompt and token numbers", {}, async (url) => {
    const tokens = async (prompt: unknown) =>
      (await answerOf(post(url, completions, { model, prompt, max_tokens: 1 }))).usage.prompt_tokens
    assert.deepStrictEqual(await Promise.all([["abcdefgh"], [1, 2, 3], [[1, 2, 3, 4]]].map(tokens)), [2, 3, 4])
  })
})

describe("chat", () => {
  served("answers whole and in pieces", {}, async (url) => {
    const request = {
      model,
      messages: [{ role: "system", content: "Be brief." }, user("Hello")],
      max_completion_tokens: 5
    }
    const whole = await answerOf(post(url, chat, request))
    assert.strictEqual(whole.object, "chat.completion")
    assert.strictEqual(first(whole.choices).message.role, "assistant")
    assert.match(first(whole.choices).message.content, /^( [a-z]{3}){5}$/)
    const events = await eventsOf(
      await post(url, chat, { ...request, stream: true, stream_options: { include_usage: true } })
    )
    const pieces = events.slice(0, -1).map((event) => parseAnswer(event))
    assert.isTrue(pieces.every(({ object }) => object === "chat.completion.chunk"))
    assert.strictEqual(first(pieces[0]!.choices).delta.role, "assistant")
    assert.deepStrictEqual(Object.keys(first(pieces[1]!.choices).delta), ["content"])
    assert.strictEqual(
      pieces
        .slice(0, 5)
        .map(({ choices }) => first(choices).delta.content)
        .join(""),
      first(whole.choices).message.content
    )
    assert.deepStrictEqual<unknown>(pieces[5]!.choices, [
      { index: 0, delta: {}, logprobs: null, finish_reason: "length" }
    ])
    assert.deepStrictEqual([pieces[6]!.choices, pieces[6]!.usage], [[], whole.usage])
    assert.isTrue(pieces.slice(0, 6).every(({ usage }) => usage === null))
  })

  served("finds the earlier part of a conversation in the cache, answers included", {}, async (url) => {
    const messages: Array<{ role: string; content: string }> = [user("Tell me all about prefix caching. ".repeat(40))]
    const cached: Array<number> = []
    const lengths: Array<number> = []
    for (let turn = 0; turn < 3; turn++) {
      const body = await answerOf(post(url, chat, { model, messages, max_tokens: 200 }))
      cached.push(body.usage.prompt_tokens_details.cached_tokens)
      lengths.push(body.usage.total_tokens)
      messages.push(first(body.choices).message, user("Go on."))
    }
    assert.strictEqual(cached[0], 0)
    // All of the previous turn but its last, unfilled block and the token that no pass has computed.
    for (const turn of [1, 2]) assert.isAtLeast(cached[turn]!, lengths[turn - 1]! - 65)
    assert.strictEqual(await metric(url, "vllm:prefix_cache_hits_total"), cached[1]! + cached[2]!)
  })

  served("takes content in parts, and messages without any", {}, async (url) => {
    const messages = [
      user("ab"),
      { role: "assistant", tool_calls: [] },
      { role: "user", content: [{ type: "text", text: "cd" }] }
    ]
    const response = await post(url, chat, { model, messages })
    assert.strictEqual((await answerOf(response)).usage.completion_tokens, 128)
  })
})

describe("the other routes", () => {
  served("tell about models and health", { serve: { modelName: "org/name" } }, async (url) => {
    assert.strictEqual((await fetch(`${url}/health`)).status, 200)
    const { data } = await answerOf(fetch(`${url}/v1/models`))
    assert.deepStrictEqual([data.length, first(data).id, first(data).max_model_len], [1, "org/name", 64_000])
    assert.strictEqual((await answerOf(fetch(`${url}/v1/models/org%2Fname`))).id, "org/name")
    assert.strictEqual((await fetch(`${url}/v1/models/other`)).status, 404)
    assert.match((await answerOf(fetch(`${url}/version`))).version, /^\d/)
  })

  served("have metrics that add up", {}, async (url) => {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        post(url, completions, { model, prompt: "x".repeat(400), max_tokens: index + 1 }).then((response) =>
          response.text()
        )
      )
    )
    assert.strictEqual(await metric(url, "vllm:generation_tokens_total"), 55)
    assert.strictEqual(await metric(url, "vllm:prompt_tokens_total"), 1000)
    assert.strictEqual(await metric(url, "vllm:time_to_first_token_seconds_count"), 10)
    assert.strictEqual(await metric(url, "vllm:inter_token_latency_seconds_count"), 45)
    assert.strictEqual(await metric(url, "vllm:request_generation_tokens_sum"), 55)
    assert.strictEqual(await metric(url, "vllm:num_requests_running"), 0)
    assert.strictEqual(await metric(url, "vllm:kv_cache_usage_perc"), 0)
  })
})

describe("errors", () => {
  const cases: ReadonlyArray<
    readonly [what: string, path: string, body: unknown, status: number, param: string | null, message: RegExp]
  > = [
    ["malformed JSON", completions, '{"model": x}', 400, null, /not valid JSON: Unexpected token 'x'/],
    ["an empty body", completions, "", 400, null, /not valid JSON/],
    ["a body that is no object", completions, "[1]", 400, null, /must be a JSON object/],
    [
      "a missing model",
      completions,
      { prompt: "a" },
      400,
      "model",
      /^model: missing key; this server has the model "[^"]+"$/
    ],
    [
      "an unknown model",
      completions,
      { model: "gpt", prompt: "a" },
      404,
      "model",
      /"gpt" does not exist; this server has the model "[^"]+"$/
    ],
    ["a missing prompt", completions, { model }, 400, "prompt", /^prompt: missing key/],
    ["a prompt of the wrong type", completions, { model, prompt: 5 }, 400, "prompt", /^prompt: expected string/],
    ["an empty prompt", completions, { model, prompt: "" }, 400, "prompt", /must not be empty/],
    ["a mixed prompt", completions, { model, prompt: ["a", 1] }, 400, "prompt", /must be a string, a list of/],
    ["a list with an empty prompt", completions, { model, prompt: ["a", ""] }, 400, "prompt", /must not be empty/],
    ["a token that is none", completions, { model, prompt: [-1] }, 400, "prompt.0", /between 0 and 4294967295/],
    [
      "a length of 0",
      completions,
      { model, prompt: "a", max_tokens: 0 },
      400,
      "max_tokens",
      /greater than or equal to 1/
    ],
    ["a broken length", completions, { model, prompt: "a", max_tokens: 1.5 }, 400, "max_tokens", /integer/],
    ["too many choices", completions, { model, prompt: "a", n: 129 }, 400, "n", /^n: .*between 1 and 128/],
    ["more choices than fit", completions, { model, prompt: ["a", "b"], n: 5 }, 400, "n", /more than the 8 requests/],
    [
      "more prompts than fit",
      completions,
      { model, prompt: Array(9).fill("a") },
      400,
      "prompt",
      /9 prompts .* more than/
    ],
    ["a choice of the best", completions, { model, prompt: "a", best_of: 3 }, 400, "best_of", /must be n=1/],
    [
      "log probabilities of a prompt",
      completions,
      { model, prompt: "a", echo: true, logprobs: 1 },
      400,
      "logprobs",
      /echo/
    ],
    ["too many alternatives", completions, { model, prompt: "a", logprobs: 21 }, 400, "logprobs", /between 0 and 20/],
    [
      "alternatives without log probabilities",
      chat,
      { model, messages: [user("a")], top_logprobs: 2 },
      400,
      "top_logprobs",
      /together with logprobs: true/
    ],
    ["an empty stop string", completions, { model, prompt: "a", stop: ["x", ""] }, 400, "stop.1", /^stop\.1: /],
    ["stop tokens", completions, { model, prompt: "a", stop_token_ids: [1] }, 400, "stop_token_ids", /cannot be \[1\]/],
    [
      "more tokens at least than at most",
      completions,
      { model, prompt: "a", min_tokens: 5, max_tokens: 4 },
      400,
      "min_tokens",
      /at most max_tokens=4, got 5/
    ],
    [
      "a hot temperature",
      completions,
      { model, prompt: "a", temperature: "hot" },
      400,
      "temperature",
      /^temperature: /
    ],
    [
      "a temperature below zero",
      completions,
      { model, prompt: "a", temperature: -1 },
      400,
      "temperature",
      /^temperature: expected a value greater than or equal to 0$/
    ],
    ["a suffix", completions, { model, prompt: "a", suffix: "b" }, 400, "suffix", /suffix cannot be "b"/],
    ["a grammar", completions, { model, prompt: "a", guided_choice: ["b"] }, 400, "guided_choice", /cannot be/],
    [
      "a misspelt name",
      completions,
      { model, prompt: "a", max_token: 3 },
      400,
      "max_token",
      /did you mean max_tokens\?/
    ],
    ["an unknown name", chat, { model, messages: [user("a")], nonsense: 3 }, 400, "nonsense", /is not a parameter/],
    [
      "a forced tool",
      chat,
      { model, messages: [user("a")], tool_choice: "required", tools: [{ type: "function", function: { name: "f" } }] },
      400,
      "tool_choice",
      /tool_choice cannot be "required"/
    ],
    [
      "a named tool",
      chat,
      { model, messages: [user("a")], tool_choice: { type: "function", function: { name: "f" } } },
      400,
      "tool_choice",
      /tool_choice cannot be/
    ],
    ["speech", chat, { model, messages: [user("a")], modalities: ["audio"] }, 400, "modalities.0", /"text"/],
    ["storage", chat, { model, messages: [user("a")], store: true }, 400, "store", /cannot be true/],
    [
      "stream options without a stream",
      chat,
      { model, messages: [user("a")], stream_options: {} },
      400,
      "stream_options",
      /together with stream/
    ],
    ["no messages", chat, { model, messages: [] }, 400, "messages", /must not be empty/],
    [
      "an image",
      chat,
      { model, messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      400,
      "messages.0.content.0.type",
      /"text"/
    ],
    [
      "a JSON answer",
      chat,
      { model, messages: [user("a")], response_format: { type: "json_object" } },
      400,
      "response_format",
      /only be text/
    ],
    [
      "more than the context holds",
      completions,
      { model, prompt: "a".repeat(4 * 900), max_tokens: 101 },
      400,
      null,
      /maximum context length is 1000 tokens. However, you requested 1001 tokens/
    ]
  ]

  served(
    "have the API's form and the right status",
    { serve: { maxContextTokens: 1000, maxConcurrentRequests: 8 } },
    async (url) => {
      for (const [what, path, body, status, param, message] of cases) {
        const response = await post(url, path, body)
        assert.strictEqual(response.status, status, what)
        const { error } = await answerOf(response)
        assert.deepStrictEqual(Object.keys(error), ["message", "type", "param", "code"], what)
        assert.match(error.message, message, what)
        assert.strictEqual(error.param, param, what)
      }
      const fitting = await post(url, completions, { model, prompt: "a".repeat(4 * 900), max_tokens: 100 })
      assert.strictEqual(fitting.status, 200)
      assert.strictEqual(await metric(url, "dynosim:refused_requests_total"), cases.length)
    }
  )

  served("cut a default length to the room there is", { serve: { maxContextTokens: 50 } }, async (url) => {
    const body = await answerOf(post(url, completions, { model, prompt: "abcd".repeat(40) }))
    assert.strictEqual(body.usage.completion_tokens, 10)
  })

  served("refuse bodies that are too large, declared or not", { serve: { maxBodyBytes: 10_000 } }, async (url) => {
    const large = JSON.stringify({ model, prompt: "a".repeat(20_000) })
    assert.strictEqual((await post(url, completions, large)).status, 413)
    const undeclared = new ReadableStream({
      start: (controller) => {
        for (let at = 0; at < large.length; at += 1000)
          controller.enqueue(new TextEncoder().encode(large.slice(at, at + 1000)))
        controller.close()
      }
    })
    const init: RequestInit & { duplex: "half" } = { body: undeclared, duplex: "half" }
    assert.strictEqual((await post(url, completions, "", init)).status, 413)
    assert.strictEqual((await post(url, completions, { model, prompt: "a", max_tokens: 1 })).status, 200)
  })

  served(
    "refuse requests beyond the limit, and serve again when there is room",
    { serve: { maxConcurrentRequests: 2 } },
    async (url) => {
      const long = { model, prompt: "a", max_tokens: 100_000, stream: true }
      const aborts = [new AbortController(), new AbortController()]
      const holding = await Promise.all(
        aborts.map(({ signal }) => post(url, completions, { ...long, max_tokens: 20_000 }, { signal }))
      )
      assert.deepStrictEqual(
        holding.map(({ status }) => status),
        [200, 200]
      )
      const refused = await post(url, completions, { model, prompt: "a" })
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.headers.get("retry-after"), "1")
      assert.strictEqual((await answerOf(refused)).error.code, "rate_limit_exceeded")
      for (const abort of aborts) abort.abort()
      await eventually(() => metric(url, "vllm:num_requests_running"), 0)
      assert.strictEqual((await post(url, completions, { model, prompt: "a", max_tokens: 1 })).status, 200)
    }
  )

  /** An engine with less room than it says. */
  const boastful = Layer.effect(
    Engine,
    Effect.map(Engine, (engine) => Engine.of({ ...engine, args: { ...engine.args, numGpuBlocks: 1000 } }))
  ).pipe(Layer.provide(engineOf(engineArgs({ speedupRatio: 20, numGpuBlocks: 5 }))))

  const errorOf = async (response: Response, stream: boolean) => {
    const text = await response.text()
    return parseAnswer(stream ? first(text.split("\n\n")).slice("data: ".length) : text).error
  }

  served(
    "tell a client whose request the engine rejects",
    { live: aggregated({ engine: boastful, router: RoundRobin.layer, workers: 1 }).live },
    async (url) => {
      for (const stream of [false, true]) {
        const response = await post(url, completions, { model, prompt: "a".repeat(2000), max_tokens: 2, stream })
        const error = await errorOf(response, stream)
        assert.deepStrictEqual([response.status, error.type], [stream ? 200 : 500, "server_error"])
        assert.match(error.message, /has rejected/)
      }
      assert.strictEqual((await post(url, completions, { model, prompt: "a", max_tokens: 2 })).status, 200)
      assert.strictEqual(await metric(url, "vllm:num_requests_waiting"), 0)
    }
  )

  /** An engine that never gets anywhere with long prompts. */
  const stubborn = Layer.effect(
    Engine,
    Effect.map(Engine, (engine) =>
      Engine.of({
        ...engine,
        spawn: (context) => {
          const core = engine.spawn(context)
          const pass = core.pass.bind(core)
          return Object.assign(core, {
            pass: (nowMs: number) => {
              if (core.requests().every(({ promptTokens }) => promptTokens < 100)) return pass(nowMs)
              const nothing = new PassOutcome()
              nothing.begin(nowMs)
              return nothing
            }
          })
        }
      })
    )
  ).pipe(Layer.provide(engineOf(engineArgs({ speedupRatio: 20 }))))

  served(
    "tell a client whose request can never be scheduled",
    { live: aggregated({ engine: stubborn, router: RoundRobin.layer, workers: 1 }).live },
    async (url) => {
      for (const stream of [false, true]) {
        const response = await post(url, completions, { model, prompt: "a".repeat(2000), max_tokens: 2, stream })
        const error = await errorOf(response, stream)
        assert.deepStrictEqual([response.status, error.type], [stream ? 200 : 500, "server_error"])
        assert.match(error.message, /can never schedule/)
      }
      assert.strictEqual((await post(url, completions, { model, prompt: "a", max_tokens: 2 })).status, 200)
      assert.strictEqual(await metric(url, "vllm:num_requests_waiting"), 0)
    }
  )

  const whole = { engineType: "sglang", numGpuBlocks: 10 } as const

  served("spare whatever the model says it has room for", { engine: whole }, async (url) => {
    const { data } = await answerOf(fetch(`${url}/v1/models`))
    const room = first(data).max_model_len
    for (const maxTokens of [1, room / 2, room - 1]) {
      const response = await post(url, completions, {
        model,
        prompt: "abcd".repeat(room - maxTokens),
        max_tokens: maxTokens
      })
      assert.strictEqual(response.status, 200)
    }
  })

  const full = Layer.succeed(
    Router,
    Router.of({
      name: "full",
      make: () => {
        const core = new RoundRobin.RoundRobinCore(1)
        return Object.assign(core, {
          route: (): number => {
            throw new RouterFault("the queue is full")
          }
        })
      }
    })
  )

  served("pass on that the router refuses a request", { router: full }, async (url) => {
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await post(url, completions, { model, prompt: "a" })
      assert.strictEqual(response.status, 503)
      assert.strictEqual((await answerOf(response)).error.message, "the queue is full")
    }
  })
})

describe("clients that misbehave", () => {
  const engine = { numGpuBlocks: 1000 }

  served("disconnecting frees the KV blocks, streamed or not", { engine }, async (url) => {
    for (const stream of [true, false]) {
      const abort = new AbortController()
      const pending = post(
        url,
        completions,
        { model, prompt: "a".repeat(20_000), max_tokens: 30_000, stream },
        { signal: abort.signal }
      )
        .then((response) => response.text())
        .catch(() => "aborted")
      await eventually(() => metric(url, "vllm:num_requests_running"), 1)
      assert.isAbove(await metric(url, "vllm:kv_cache_usage_perc"), 0.07)
      abort.abort()
      assert.strictEqual(await pending, "aborted")
      await eventually(() => metric(url, "vllm:num_requests_running"), 0)
      assert.strictEqual(await metric(url, "vllm:kv_cache_usage_perc"), 0)
    }
    assert.strictEqual(await metric(url, "vllm:request_success_total"), 2)
  })

  served("slow requests are cut off", { serve: { requestTimeoutSeconds: 0.2 } }, async (url) => {
    const [headers, body, silent] = await Promise.all([rawConnection(url), rawConnection(url), rawConnection(url)])
    headers.write("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n")
    body.write(
      'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"model"'
    )
    const texts = await Promise.all([received(headers), received(body), received(silent)])
    for (const text of texts) {
      assert.match(text, /^HTTP\/1\.1 408 Request Timeout\r\n/)
      assert.match(text, /\r\nx-request-id: req-/)
      assert.strictEqual(parseAnswer(text.slice(text.indexOf("\r\n\r\n"))).error.code, "request_timeout")
    }
    assert.strictEqual((await post(url, completions, { model, prompt: "a", max_tokens: 1 })).status, 200)
  })

  served("garbage is answered with an error", {}, async (url) => {
    const socket = await rawConnection(url)
    const text = received(socket)
    socket.write("\u0000\u0001\u0002 hello\r\n\r\n")
    const answer = await text
    assert.match(answer, /^HTTP\/1\.1 400/)
    assert.strictEqual(parseAnswer(answer.slice(answer.indexOf("\r\n\r\n"))).error.code, "malformed_request")
    assert.strictEqual((await fetch(`${url}/health`)).status, 200)
  })

  served(
    "one that does not read is given up",
    {
      serve: { clientTimeoutSeconds: 0.3, maxContextTokens: 2_000_000 },
      engine: { speedupRatio: 1e6, numGpuBlocks: 20_000, mtp: { acceptRates: [1, 1, 1, 1, 1], seed: 0n } }
    },
    async (url) => {
      const socket = await rawConnection(url)
      socket.pause()
      const body = JSON.stringify({ model, prompt: "a", max_tokens: 500_000, stream: true })
      socket.write(
        `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      )
      await eventually(() => metric(url, "vllm:num_requests_running"), 1)
      await eventually(() => metric(url, "vllm:num_requests_running"), 0)
      const text = received(socket)
      socket.resume()
      assert.notInclude(await text, "[DONE]")
    }
  )
})

describe("a deployment behind the endpoint", () => {
  const router = KvRouter.layer(defaultKvRouterOptions)

  served("may have several workers and a KV router: equal prefixes meet", { router, workers: 4 }, async (url) => {
    const prompt = "A long story that many people want to go on with. ".repeat(60)
    let cached = 0
    for (let index = 0; index < 6; index++) {
      const body = await answerOf(post(url, completions, { model, prompt: `${prompt}${index}`, max_tokens: 4 }))
      cached += body.usage.prompt_tokens_details.cached_tokens
    }
    assert.strictEqual(cached, 5 * 704)
  })

  served(
    "counts preemptions, worker by worker",
    { workers: 2, engine: { numGpuBlocks: 12, blockTokens: 16, maxNumBatchedTokens: 512 } },
    async (url) => {
      const prompt = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(160))
      assert.strictEqual((await post(url, completions, { model, prompt, max_tokens: 90 })).status, 200)
      assert.isAbove(await metric(url, "vllm:num_preemptions_total"), 0)
      const text = await (await fetch(`${url}/metrics`)).text()
      assert.match(text, /vllm:num_preemptions_total\{engine="0",model_name="dynosim"\} \d+\n.*\{engine="1"/)
    }
  )

  served("serves many streams at once without losing or repeating a token", { workers: 2 }, async (url) => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const request = { model, prompt: `question ${index % 20}`, max_tokens: 20 + (index % 20) }
        const events = await eventsOf(await post(url, completions, { ...request, stream: true }))
        return events
          .slice(0, -1)
          .map((event) => first(parseAnswer(event).choices).text)
          .join("")
      })
    )
    for (let index = 0; index < 60; index++) {
      assert.strictEqual(answers[index]!.length, 4 * (20 + (index % 20)))
      assert.strictEqual(answers[index], answers[(index % 20) + 20])
    }
  })

  it.live("takes the server down with it when its engine fails", () =>
    Effect.gen(function* () {
      const broken = Layer.effect(
        Engine,
        Effect.map(Engine, (engine) =>
          Engine.of({
            ...engine,
            spawn: (context) =>
              Object.assign(engine.spawn(context), {
                pass: () => {
                  throw new EngineStalled(
                    request({ promptTokens: 1, outputTokens: 1, blocks: [] }),
                    "the pool is too small"
                  )
                }
              })
          })
        )
      ).pipe(Layer.provide(engineOf(engineArgs())))
      const error = yield* serve({ ...defaultServeOptions, port: 0 }, (url) =>
        Effect.promise(() =>
          post(url, completions, { model, prompt: "a" }).then(
            () => {},
            () => {}
          )
        ).pipe(Effect.forkDetach, Effect.asVoid)
      ).pipe(
        Effect.provide([aggregated({ engine: broken, router: RoundRobin.layer, workers: 1 }).live, Pace.layerLive]),
        Effect.flip
      )
      assert.strictEqual(error.message, "the pool is too small")
    })
  )

  it.live("fails when it cannot listen", () =>
    Effect.gen(function* () {
      const url = yield* startServer()
      const error = yield* serve({ ...defaultServeOptions, port: Number(new URL(url).port) }, () => Effect.void).pipe(
        Effect.provide([
          aggregated({ engine: engineOf(engineArgs()), router: RoundRobin.layer, workers: 1 }).live,
          Pace.layerLive
        ]),
        Effect.flip
      )
      assert.strictEqual(error._tag, "ServeError")
    })
  )

  it.live("stops within a second while requests are under way", () =>
    Effect.gen(function* () {
      const url = yield* Effect.scoped(
        Effect.gen(function* () {
          const url = yield* startServer()
          yield* Effect.forkScoped(
            Effect.promise(() =>
              post(url, completions, { model, prompt: "a", max_tokens: 30_000, stream: true })
                .then((response) => response.text())
                .catch(() => "")
            )
          )
          yield* Effect.promise(() => eventually(() => metric(url, "vllm:num_requests_running"), 1))
          const silent = yield* Effect.promise(() => rawConnection(url))
          silent.on("error", () => {})
          yield* Effect.addFinalizer(() => Effect.sync(() => silent.destroy()))
          return [url, performance.now()] as const
        })
      )
      assert.isBelow(performance.now() - url[1], 1000)
      const again = yield* Effect.promise(() =>
        fetch(`${url[0]}/health`).then(
          () => "alive",
          () => "gone"
        )
      )
      assert.strictEqual(again, "gone")
    })
  )
})
