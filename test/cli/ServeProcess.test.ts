/** The built server as a process, started by the commands that the documentation shows and asked with the requests it shows. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { commands, killServers, start, wordsOf } from "./ServerProcess.ts"

afterEach(killServers)

const serveCommands = commands("dynosim serve")
const curlCommands = commands("curl")

/** The request that a curl command makes of the server at `url`. */
const curl = async (command: string, url: string): Promise<Response> => {
  const [, ...words] = wordsOf(command)
  const headers: Record<string, string> = {}
  let body: string | undefined
  let target = ""
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "-H") {
      const [name = "", value = ""] = (words.shift() ?? "").split(/:\s*/, 2)
      headers[name] = value
    } else if (word === "-d") body = words.shift()
    else if (!word.startsWith("-")) target = word
  }
  const { pathname } = new URL(target)
  return fetch(url + pathname, body === undefined ? { headers } : { method: "POST", headers, body })
}

describe("the served deployment as documented", () => {
  it("has commands and requests", () => {
    assert.isAtLeast(serveCommands.length, 3)
    assert.isAtLeast(curlCommands.length, 4)
  })

  for (const command of serveCommands) {
    it(`${command} serves, and ends with 0 when it is told to`, async () => {
      const server = await start(wordsOf(command.replace(/^npx /, "")).slice(1))
      assert.strictEqual((await fetch(`${server.url}/health`)).status, 200)
      server.child.kill("SIGTERM")
      assert.strictEqual(await server.ended, 0, server.stderr())
    })
  }

  it("answers the documented requests", async () => {
    const server = await start(["serve", "--extra-engine-args", '{"speedup_ratio": 50}'])
    for (const command of curlCommands) {
      const response = await curl(command, server.url)
      assert.strictEqual(response.status, 200, command)
      assert.notStrictEqual((await response.text()).trim(), "", command)
    }
  })
})

describe("a server that is told to end", () => {
  /** A stream that would go on for minutes, once its first event has come. */
  const streaming = async (url: string): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
    const body = JSON.stringify({ model: "dynosim", prompt: "a", max_tokens: 100_000, stream: true })
    const response = await fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body
    })
    const reader = response.body!.getReader()
    await reader.read()
    return reader
  }

  for (const [signal, code] of [
    ["SIGTERM", 0],
    ["SIGINT", 130]
  ] as const) {
    it(`ends with ${code} on ${signal}, also while it streams`, async () => {
      const server = await start(["serve", "--max-model-len", "200000"])
      const reader = await streaming(server.url)
      server.child.kill(signal)
      assert.strictEqual(await server.ended, code, server.stderr())
      assert.strictEqual(server.stderr(), "")
      const rest = async (): Promise<string> => {
        for (;;) if ((await reader.read()).done) return "whole"
      }
      assert.strictEqual(await rest().catch(() => "cut"), "cut")
    })
  }
})
