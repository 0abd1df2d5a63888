/**
 * Many streaming clients at once against a server of its own: checks that no token is lost or repeated and that memory stays flat.
 *
 *     npx node bench/online/streams.ts [clients = 200] [seconds = 60] [workers = 4]
 *
 * The server runs in another process on the loopback interface. Each client asks again and again, for one of 400 prompts and 20 to 300
 * tokens. Equal prompts have equal answers, so every answer is held against the longest one seen for its prompt.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { loadavg } from "node:os"
import { createInterface } from "node:readline"

const [clients = 200, seconds = 60, workers = 4] = process.argv.slice(2).map(Number)
const prompts = 400

interface Piece {
  readonly choices: ReadonlyArray<{ readonly text: string; readonly finish_reason: string | null }>
  readonly usage: { readonly completion_tokens: number } | null
}

interface Tally {
  requests: number
  tokens: number
  readonly firstTokenMs: Array<number>
  readonly gapsMs: Array<number>
}

const parsePiece = (event: string): Piece => JSON.parse(event)

/** Data of server-sent events as they arrive. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) throw new Error("an answer without a body")
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of response.body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split("\n\n")
    rest = events.pop() ?? ""
    for (const event of events) yield event.slice("data: ".length)
  }
  if (rest !== "") throw new Error(`an event without an end: ${rest}`)
}

/** One request; throws when anything about its answer is wrong. */
const ask = async (
  url: string,
  prompt: number,
  tokens: number,
  known: Map<number, string>,
  tally: Tally
): Promise<void> => {
  const startedMs = performance.now()
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "dynosim",
      prompt: `You are a helpful assistant. ${"Be brief. ".repeat(40)} Question ${prompt}: ${"why? ".repeat(prompt)}`,
      max_tokens: tokens,
      stream: true,
      stream_options: { include_usage: true }
    })
  })
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`)
  const pieces: Array<Piece> = []
  let lastMs = startedMs
  let done = false
  for await (const event of eventsOf(response)) {
    if (done) throw new Error(`an event after the end: ${event}`)
    if (event === "[DONE]") {
      done = true
      continue
    }
    const nowMs = performance.now()
    if (pieces.length === 0) tally.firstTokenMs.push(nowMs - startedMs)
    else if (pieces.length < tokens) tally.gapsMs.push(nowMs - lastMs)
    lastMs = nowMs
    pieces.push(parsePiece(event))
  }
  check(pieces, tokens, done, prompt, known)
  tally.requests += 1
  tally.tokens += tokens
}

const check = (
  pieces: ReadonlyArray<Piece>,
  tokens: number,
  done: boolean,
  prompt: number,
  known: Map<number, string>
): void => {
  const words = pieces.slice(0, tokens).map(({ choices }) => choices[0]?.text ?? "")
  const finish = pieces[tokens]?.choices[0]?.finish_reason
  const counted = pieces[tokens + 1]?.usage?.completion_tokens
  if (
    !done
    || pieces.length !== tokens + 2
    || finish !== "length"
    || counted !== tokens
    || words.some((word) => word.length !== 4)
  ) {
    throw new Error(
      `asked for ${tokens} tokens, got ${pieces.length} events, finish ${finish}, counted ${counted}, done ${done}`
    )
  }
  const text = words.join("")
  const longest = known.get(prompt) ?? ""
  if (!text.startsWith(longest.slice(0, text.length)))
    throw new Error(`prompt ${prompt} got another answer than before`)
  if (text.length > longest.length) known.set(prompt, text)
}

const startServer = async (): Promise<readonly [ChildProcess, string]> => {
  // A small heap: garbage cannot pass for need.
  const heap = ["--max-old-space-size=96", "--max-semi-space-size=8"]
  const server = spawn(
    process.execPath,
    [...heap, new URL("server.ts", import.meta.url).pathname, "0", String(workers)],
    {
      stdio: ["ignore", "pipe", "inherit"]
    }
  )
  for await (const line of createInterface(server.stdout)) return [server, line]
  throw new Error("the server did not start")
}

const residentMiB = async (url: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 2 ** 20
}

const percentile = (values: Float64Array, p: number): string =>
  (values[Math.floor((values.length - 1) * p)] ?? Number.NaN).toFixed(1)

const describe = (name: string, unsorted: ReadonlyArray<number>): string => {
  const values = Float64Array.from(unsorted).toSorted()
  return `${name}: median ${percentile(values, 0.5)}, p99 ${percentile(values, 0.99)}, max ${percentile(values, 1)} ms`
}

const [server, url] = await startServer()
const tally: Tally = { requests: 0, tokens: 0, firstTokenMs: [], gapsMs: [] }
const known = new Map<number, string>()
const endMs = performance.now() + seconds * 1000
let next = 0
const client = async (): Promise<void> => {
  while (performance.now() < endMs) {
    const number = next++
    await ask(url, (number * 7919) % prompts, 20 + ((number * 104729) % 281), known, tally)
  }
}
const sampler = setInterval(() => {
  void residentMiB(url).then((mib) =>
    console.log(
      `${((performance.now() - endMs) / 1000 + seconds).toFixed(0)} s: server ${mib.toFixed(1)} MiB, ${tally.requests} requests, ${tally.tokens} tokens`
    )
  )
}, 5000)
try {
  await Promise.all(Array.from({ length: clients }, client))
  console.log(
    `${tally.requests} requests and ${tally.tokens} tokens in ${seconds} s with ${clients} clients: all complete, none repeated`
  )
  console.log(describe("time to first token", tally.firstTokenMs))
  console.log(describe("inter-token latency", tally.gapsMs))
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const of = (name: string): string => new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "m").exec(metrics)?.[1] ?? "?"
  console.log(
    `server: ${of("vllm:generation_tokens_total")} tokens, ${of("dynosim:passes_total")} passes, `
      + `lag ${of("dynosim:pass_lag_seconds_total")} s in total, slipped ${of("dynosim:slipped_seconds_total")} s, ${(await residentMiB(url)).toFixed(1)} MiB`
  )
  console.log(
    `load average ${loadavg()
      .map((load) => load.toFixed(2))
      .join(" ")}`
  )
} finally {
  clearInterval(sampler)
  server.kill("SIGINT")
  await once(server, "exit")
}
