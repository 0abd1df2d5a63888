/** A served deployment under a vLLM profile, and with time in the front end. */
import { assert, describe } from "@effect/vitest"
import { make } from "../../src/engine/EngineArgs.ts"
import { metric, post, served } from "./TestServer.ts"

const prompt = Array.from({ length: 40 }, (_, word) => `w${word}`).join(" ")

interface Completion {
  readonly choices: ReadonlyArray<{ readonly finish_reason: string }>
  readonly usage: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly prompt_tokens_details: { readonly cached_tokens: number }
  }
}

const complete = (url: string, body: object): Promise<Response> =>
  post(url, "/v1/completions", { model: "dynosim", ...body })

const completion = async (url: string, body: object): Promise<Completion> => {
  const response = await complete(url, body)
  assert.strictEqual(response.status, 200)
  return JSON.parse(await response.text())
}

describe("a server under a vLLM profile", () => {
  const engine = make({
    engineProfile: "vllm-0.33",
    numGpuBlocks: 64,
    speedupRatio: 20,
    maxNumSeqs: 2,
    vllmScheduler: { maxModelLen: 100 }
  })

  served("serves more requests than run at a time, and finds what was computed", { engine }, async (url) => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => completion(url, { prompt, max_tokens: 9 })))
    for (const { choices, usage } of answers) {
      assert.strictEqual(choices[0]?.finish_reason, "length")
      assert.strictEqual(usage.completion_tokens, 9)
    }
    // Whole blocks of 16 tokens, by everybody but the first.
    const hits = Math.floor(answers[0]!.usage.prompt_tokens / 16) * 16
    assert.isAbove(hits, 0)
    assert.deepStrictEqual(
      answers.map((answer) => answer.usage.prompt_tokens_details.cached_tokens).toSorted((one, other) => one - other),
      [0, hits, hits, hits, hits, hits]
    )
    assert.strictEqual(await metric(url, "vllm:prefix_cache_hits_total"), 5 * hits)
  })

  served("holds requests to max_model_len of the engine", { engine }, async (url) => {
    const models = await (await fetch(`${url}/v1/models`)).text()
    assert.include(models, '"max_model_len":100')
    for (const body of [
      { prompt: `${prompt} ${prompt} ${prompt}`, max_tokens: 9 },
      { prompt, max_tokens: 200 }
    ]) {
      const refused = await complete(url, body)
      assert.strictEqual(refused.status, 400)
      assert.include(await refused.text(), "maximum context length is 100 tokens")
    }
  })
})

describe("a server with time in the front end", () => {
  const [frontendMs, frontendUsPerToken] = [150, 2000]

  for (const engineProfile of ["dynamo-1.3.1", "vllm-0.33"] as const) {
    const engine = make({ engineProfile, speedupRatio: 1000, frontendMs, frontendUsPerToken })
    served(`lets clients wait for it, ${engineProfile}`, { engine }, async (url) => {
      const startMs = performance.now()
      const { usage } = await completion(url, { prompt, max_tokens: 2 })
      // A timer may fire a millisecond early.
      assert.isAtLeast(performance.now() - startMs, frontendMs + 2 * usage.prompt_tokens - 1)
      assert.strictEqual(usage.completion_tokens, 2)
    })
  }
})
