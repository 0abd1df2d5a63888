/** The recorder between a client and a served deployment, and its recording replayed. */
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Records } from "../../src/record/Proxy.ts"
import { makeRecordOptions } from "../../src/record/RecordOptions.ts"
import { Recording } from "../../src/record/Recording.ts"
import { record } from "../../src/record/RecordServer.ts"
import { answerOf, eventsOf, exchange, first, parseAnswer, post, startServer } from "../serve/TestServer.ts"
import { runCommand } from "../support/CommandRun.ts"

const chat = "/v1/chat/completions"
const model = "dynosim"

interface Recorded {
  readonly rows: Array<string>
  readonly measured: Array<string>
  readonly leftOut: Array<string>
}

/** A recorder before a server; gives its URL and what it has recorded so far. */
const startRecorder = Effect.fnUntraced(function* (
  upstream: string
): Effect.fn.Return<Recorded & { readonly url: string }, never, Scope.Scope> {
  const kept: Recorded = { rows: [], measured: [], leftOut: [] }
  const records: Records = {
    recording: new Recording({ traceBlockTokens: 64, salt: "salt", followsSessions: true }),
    write: ({ measured, row }) =>
      Effect.sync(() => {
        kept.rows.push(row)
        kept.measured.push(measured)
      }),
    leftOut: (reason) => void kept.leftOut.push(reason)
  }
  const url = yield* Deferred.make<string>()
  const running = record(makeRecordOptions({ upstream, port: 0 }), records, (address) =>
    Effect.asVoid(Deferred.succeed(url, address))
  ).pipe(Effect.orDie)
  const fiber = yield* Effect.forkScoped(Effect.provideService(running, Console.Console, console))
  return { ...kept, url: yield* Effect.raceFirst(Deferred.await(url), Fiber.join(fiber)) }
})

const engine = { speedupRatio: 20, numGpuBlocks: 2000, blockTokens: 64 }

const words = (count: number, seed: number): string =>
  Array.from({ length: count }, (_, word) => `w${(seed * 7919 + word * 104_729) % 9973}`).join(" ")

interface Message {
  readonly role: string
  readonly content: string
}

/** Conversations with one system prompt, a turn after the other. */
const converse = async (url: string, stream: boolean): Promise<void> => {
  const system = { role: "system", content: words(600, 1) }
  for (const talk of [1, 2, 3]) {
    const messages: Array<Message> = [system, { role: "user", content: words(150, talk + 10) }]
    for (let turn = 0; turn < 3; turn++) {
      const request = { model, messages, max_tokens: 20 + turn, stream }
      const response = await post(url, chat, request)
      const content = stream
        ? (await eventsOf(response))
            .filter((text) => text !== "[DONE]")
            .map((text) => parseAnswer(text).choices[0]?.delta.content ?? "")
            .join("")
        : first((await answerOf(response)).choices).message.content
      messages.push({ role: "assistant", content }, { role: "user", content: words(40, talk + turn + 20) })
    }
  }
}

const blockTokens = 64

/** Records of a replay of these rows on the deployment that was recorded, in order of arrival. */
const replayed = (rows: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const folder = mkdtempSync(join(tmpdir(), "recorded-"))
    const file = join(folder, "recorded.jsonl")
    writeFileSync(file, rows.join(""))
    const args = JSON.stringify({ speedup_ratio: 20, num_gpu_blocks: 2000, block_size: blockTokens })
    const flags = ["--trace-block-size", String(blockTokens), "--extra-engine-args", args]
    const { records } = yield* runCommand([file], flags)
    rmSync(folder, { recursive: true })
    return records.toSorted((one, other) => one.arrivalMs - other.arrivalMs)
  })

interface Measured {
  readonly input_length: number
  readonly output_length: number
  readonly reused_input_tokens: number
  readonly ttft_ms: number | null
}

/** Rows in which every request finds just what the server says that it found: the beginning of the one before it. */
const rowsOf = (measured: ReadonlyArray<Measured>): ReadonlyArray<string> => {
  let before: ReadonlyArray<number> = []
  return measured.map(({ input_length, output_length, reused_input_tokens }, request) => {
    const found = reused_input_tokens / blockTokens
    const blocks = Math.ceil(input_length / blockTokens)
    before = Array.from({ length: blocks }, (_, block) => (block < found ? before[block]! : request * 1000 + block))
    return `${JSON.stringify({ timestamp: request * 60_000, input_length, output_length, hash_ids: before })}\n`
  })
}

describe("recording", () => {
  for (const stream of [false, true]) {
    it.live(`gives a trace that replays like what was ${stream ? "streamed" : "answered whole"}`, () =>
      Effect.gen(function* () {
        const upstream = yield* startServer({ engine })
        const recorder = yield* startRecorder(upstream)
        yield* Effect.promise(() => converse(recorder.url, stream))
        const measured = recorder.measured.map((line): Measured => JSON.parse(line))
        const sessions = recorder.rows.map((row): { readonly session_id: string } => JSON.parse(row))
        assert.deepStrictEqual(
          sessions.map(({ session_id }) => session_id),
          [1, 1, 1, 2, 2, 2, 3, 3, 3].map((talk) => `session-${talk}`)
        )
        const records = yield* replayed(recorder.rows)
        const truth = yield* replayed(rowsOf(measured))
        for (const [index, record] of records.entries()) {
          const { input_length, output_length, reused_input_tokens, ttft_ms } = measured[index]!
          assert.strictEqual(record.promptTokens, input_length)
          assert.strictEqual(record.emittedTokens, output_length)
          assert.strictEqual(truth[index]!.reusedTokens, reused_input_tokens)
          // Both in simulated time, which no slow machine stretches.
          const ttftOf = ({ arrivalMs, firstTokenMs }: typeof record): number => firstTokenMs - arrivalMs
          assert.closeTo(ttftOf(record) / ttftOf(truth[index]!), 1, 0.1)
          assert.strictEqual(ttft_ms === null, !stream)
        }
        assert.deepStrictEqual(recorder.leftOut, [])
      })
    )
  }

  it.live("hands on everything else as it is, and says what it leaves out", () =>
    Effect.gen(function* () {
      const upstream = yield* startServer({ engine })
      const recorder = yield* startRecorder(upstream)
      yield* Effect.promise(async () => {
        const [direct, handed] = await Promise.all(
          [upstream, recorder.url].map(async (url) => (await fetch(`${url}/v1/models`)).text())
        )
        assert.strictEqual(handed, direct)
        const refused = await post(recorder.url, chat, { model: "another", messages: [{ role: "user", content: "a" }] })
        assert.strictEqual(refused.status, 404)
        assert.strictEqual((await answerOf(refused)).error.code, "model_not_found")
        const request = { model, messages: [{ role: "user", content: "a" }], max_tokens: 2 }
        await answerOf(post(recorder.url, chat, { ...request, n: 2 }))
        await answerOf(post(recorder.url, "/v1/completions", { model, prompt: ["a", "b"], max_tokens: 2 }))
        assert.strictEqual((await post(recorder.url, chat, "{")).status, 400)
        // A stream whose client wants the usage has it.
        const options = { stream: true, stream_options: { include_usage: true } }
        const events = await eventsOf(await post(recorder.url, chat, { ...request, ...options }))
        assert.strictEqual(parseAnswer(events.at(-2)!).usage.completion_tokens, 2)
      })
      assert.deepStrictEqual(recorder.leftOut, [
        "was refused by the server",
        "asks for several answers",
        "has several prompts"
      ])
      assert.strictEqual(recorder.rows.length, 1)
      assert.notInclude(recorder.rows.join(""), "content")
    })
  )

  it.live("answers for a server that is not there, and only to its own name", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.promise(freePort)
      const recorder = yield* startRecorder(`http://127.0.0.1:${gone}`)
      const response = yield* Effect.promise(() =>
        post(recorder.url, chat, { messages: [{ role: "user", content: "a" }] })
      )
      assert.strictEqual(response.status, 502)
      const { error } = yield* Effect.promise(() => answerOf(response))
      assert.include(error.message, `127.0.0.1:${gone}, does not answer`)
      const foreign = yield* Effect.promise(() => exchange(recorder.url, "GET / HTTP/1.1", ["Host: a.example"]))
      assert.include(foreign, "403")
      assert.deepStrictEqual(recorder.leftOut, ["was given up before its end"])
    })
  )
})

/** A port that nobody listens on. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
