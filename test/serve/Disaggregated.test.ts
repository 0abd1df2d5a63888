/** A prefill and a decode pool behind the endpoint. */
import { assert, describe } from "@effect/vitest"
import * as Layer from "effect/Layer"
import { Router } from "../../src/router/Router.ts"
import { RouterFault } from "../../src/router/RouterFault.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { disaggregated } from "../online/OnlineRuns.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { answerOf, eventsOf, eventually, first, metric, parseAnswer, post, served } from "./TestServer.ts"

const completions = "/v1/completions"
const model = "dynosim"
const sizes = { prefillWorkers: 1, decodeWorkers: 2 }
const fast = { speedupRatio: 20, numGpuBlocks: 1000 }
const link = { kvBytesPerToken: 131_072, kvTransferBandwidthGbS: 50 }

const live = (engineType: "vllm" | "sglang", prefillBlocks = 1000) =>
  disaggregated(
    engineArgs({ ...fast, ...link, engineType, numGpuBlocks: prefillBlocks }),
    engineArgs({ ...fast, engineType }),
    RoundRobin.layer,
    sizes
  ).live

for (const engineType of ["vllm", "sglang"] as const) {
  describe(`disaggregated serving, ${engineType}`, () => {
    served("answers whole and streamed, and finds prompts again", { live: live(engineType) }, async (url) => {
      const request = { model, prompt: "A story that is told twice. ".repeat(40), max_tokens: 12 }
      const whole = await answerOf(post(url, completions, request))
      assert.strictEqual(whole.usage.completion_tokens, 12)
      const events = await eventsOf(
        await post(url, completions, { ...request, stream: true, stream_options: { include_usage: true } })
      )
      const pieces = events.slice(0, -1).map((event) => parseAnswer(event))
      const text = pieces.map(({ choices }) => choices[0]?.text ?? "").join("")
      assert.strictEqual(text, first(whole.choices).text)
      assert.isAbove(pieces.at(-1)!.usage.prompt_tokens_details.cached_tokens, 200)
      assert.strictEqual(await metric(url, "vllm:generation_tokens_total"), 24)
      const metrics = await (await fetch(`${url}/metrics`)).text()
      assert.match(metrics, /vllm:num_requests_running\{engine="0",model_name="dynosim",role="prefill"\} 0\n/)
      assert.match(metrics, /vllm:num_requests_running\{engine="2",model_name="dynosim",role="decode"\} 0\n/)
      assert.match(metrics, /vllm:cache_config_info\{model_name="dynosim",role="prefill",block_size="64"/)
    })

    served("serves many at once", { live: live(engineType) }, async (url) => {
      const prompts = Array.from({ length: 40 }, (_, index) => `question ${index}`.repeat(1 + (index % 7)))
      const { choices, usage } = await answerOf(post(url, completions, { model, prompt: prompts, max_tokens: 9 }))
      assert.strictEqual(choices.length, 40)
      assert.strictEqual(usage.completion_tokens, 360)
      assert.strictEqual((await answerOf(fetch(`${url}/load`))).server_load, 0)
    })

    served("takes a request back in both pools when its client goes", { live: live(engineType) }, async (url) => {
      for (const maxTokens of [1, 30_000]) {
        const abort = new AbortController()
        const body = { model, prompt: "a".repeat(40_000), max_tokens: maxTokens, stream: true }
        const pending = post(url, completions, body, { signal: abort.signal })
          .then((response) => response.text())
          .catch(() => "gone")
        await eventually(async () => ((await metric(url, "vllm:kv_cache_usage_perc")) > 0 ? 1 : 0), 1)
        abort.abort()
        await pending
        await eventually(() => metric(url, "vllm:kv_cache_usage_perc"), 0)
        await eventually(() => metric(url, "vllm:num_requests_running"), 0)
      }
    })
  })
}

describe("limits of disaggregated serving", () => {
  served("prompts must fit a prefill worker", { live: live("vllm", 10) }, async (url) => {
    const response = await post(url, completions, { model, prompt: "a".repeat(4 * 640), max_tokens: 1 })
    assert.strictEqual(response.status, 400)
    assert.match((await answerOf(response)).error.message, /has 640 tokens, but a prefill worker holds at most 639/)
    assert.strictEqual(
      (await post(url, completions, { model, prompt: "a".repeat(4 * 639), max_tokens: 200 })).status,
      200
    )
  })

  // The second prompt is preempted for the first, and the third has KV in its way before it is back.
  const tight = engineArgs({ blockTokens: 4, numGpuBlocks: 8 })
  const one = { prefillWorkers: 1, decodeWorkers: 1 }
  served(
    "requests in each other's way in the decode pool go on",
    { live: disaggregated(tight, tight, RoundRobin.layer, one).live },
    async (url) => {
      const prompt = [16, 12, 24].map((tokens, index) => String(index).repeat(4 * tokens))
      const { usage } = await answerOf(post(url, completions, { model, prompt, max_tokens: 4 }))
      assert.strictEqual(usage.completion_tokens, 12)
    }
  )

  for (const refusing of ["prefill", "decode"] as const) {
    for (const engineType of ["vllm", "sglang"] as const) {
      const full = Layer.succeed(
        Router,
        Router.of({
          name: "full",
          make: (context) => {
            const core = new RoundRobin.RoundRobinCore(context.workers)
            return context.role === refusing
              ? Object.assign(core, {
                  route: (): number => {
                    throw new RouterFault("the queue is full")
                  }
                })
              : core
          }
        })
      )
      const args = engineArgs({ ...fast, engineType })
      served(
        `the ${refusing} router may refuse a request, ${engineType}`,
        { live: disaggregated(args, args, full, sizes).live },
        async (url) => {
          for (let attempt = 0; attempt < 2; attempt++) {
            const response = await post(url, completions, { model, prompt: "abcd".repeat(200), max_tokens: 3 })
            assert.strictEqual(response.status, 503)
            assert.strictEqual((await answerOf(response)).error.message, "the queue is full")
          }
          await eventually(() => metric(url, "vllm:kv_cache_usage_perc"), 0)
          assert.strictEqual((await answerOf(fetch(`${url}/load`))).server_load, 0)
        }
      )
    }
  }
})
