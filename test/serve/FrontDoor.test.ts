/** What holds for every route: names, methods, types, request ids, errors as JSON, pages of other origins. */
import { assert, describe, it } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { Router } from "../../src/router/Router.ts"
import { AllowedHosts } from "../../src/serve/AllowedHosts.ts"
import { answerOf, exchange, metric, parseAnswer, post, served } from "./TestServer.ts"

const completions = "/v1/completions"
const model = "dynosim"

/** Status and parsed body of a raw answer. */
const parts = (answer: string) => {
  const [head, body] = [
    answer.slice(0, answer.indexOf("\r\n\r\n")),
    answer.slice(answer.indexOf("\r\n\r\n") + 4)
  ] as const
  return { status: Number(head.split(" ")[1]), head, body }
}

describe("the names of a server", () => {
  const refused = (listening: string, others: ReadonlyArray<string>, header: string | undefined) =>
    new AllowedHosts(listening, others).problemOf(header)?.status

  const mine = [
    "localhost",
    "LOCALHOST:8000",
    "a.localhost",
    "127.0.0.1:8000",
    "127.1.2.3",
    "[::1]:8000",
    "localhost.:80"
  ]
  for (const header of mine) it(`include ${header}`, () => assert.isUndefined(refused("127.0.0.1", [], header)))

  const foreign = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "[::2]",
    "192.168.0.7:8000",
    "x@localhost"
  ]
  for (const header of foreign) {
    it(`do not include ${header}`, () => assert.strictEqual(refused("127.0.0.1", [], header), 403))
  }

  it("must be given", () => {
    assert.strictEqual(refused("127.0.0.1", [], undefined), 400)
    assert.strictEqual(refused("127.0.0.1", [], ""), 400)
  })

  it("include the address listened on and those allowed", () => {
    assert.isUndefined(refused("192.168.0.7", [], "192.168.0.7:9000"))
    assert.isUndefined(refused("fd00::1", [], "[fd00::1]:9000"))
    assert.isUndefined(refused("0.0.0.0", ["sim.example"], "Sim.Example:9000"))
    assert.strictEqual(refused("0.0.0.0", ["sim.example"], "other.example"), 403)
    assert.isUndefined(refused("0.0.0.0", ["*"], "anything"))
    assert.isUndefined(refused("0.0.0.0", ["*"], undefined))
  })
})

describe("the front door", () => {
  served("answers to its own names alone", { serve: { allowedHosts: ["sim.example"] } }, async (url) => {
    for (const [host, status] of [
      ["Host: evil.example", 403],
      ["Host: sim.example:80", 200],
      ["Host: localhost", 200]
    ] as const) {
      const answer = parts(await exchange(url, "GET /health HTTP/1.1", [host]))
      assert.strictEqual(answer.status, status, host)
      if (status === 403) assert.strictEqual(parseAnswer(answer.body).error.code, "host_not_allowed")
    }
    const nameless = parts(await exchange(url, "GET /health HTTP/1.1", []))
    assert.deepStrictEqual([nameless.status, parseAnswer(nameless.body).error.code], [400, "host_missing"])
    assert.strictEqual(await metric(url, "dynosim:refused_requests_total"), 2)
  })

  served("wants JSON to be declared", {}, async (url) => {
    const body = JSON.stringify({ model, prompt: "a", max_tokens: 1 })
    const declared = ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"]
    for (const type of declared) {
      assert.strictEqual((await post(url, completions, body, { headers: { "content-type": type } })).status, 200, type)
    }
    const foreign = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""]
    for (const type of foreign) {
      const response = await post(url, completions, body, { headers: { "content-type": type } })
      assert.strictEqual(response.status, 415, type)
      assert.strictEqual((await answerOf(response)).error.code, "unsupported_media_type")
    }
    const length = `Content-Length: ${body.length}`
    const untyped = parts(await exchange(url, `POST ${completions} HTTP/1.1`, ["Host: localhost", length], body))
    assert.deepStrictEqual([untyped.status, parseAnswer(untyped.body).error.code], [415, "unsupported_media_type"])
  })

  const lines: ReadonlyArray<readonly [line: string, status: number, code: string, allow?: string]> = [
    ["GET /v2", 404, "not_found"],
    ["GET /", 404, "not_found"],
    ["DELETE /v1", 404, "not_found"],
    ["GET /v1/models/%zz", 404, "not_found"],
    [`GET /v1/models/${"m".repeat(500)}`, 404, "not_found"],
    ["OPTIONS *", 404, "not_found"],
    ["GET /v1/models/other", 404, "model_not_found"],
    [`GET ${completions}`, 405, "method_not_allowed", "POST"],
    [`HEAD ${completions}`, 405, "method_not_allowed", "POST"],
    [`OPTIONS ${completions}`, 405, "method_not_allowed", "POST"],
    ["POST /health", 405, "method_not_allowed", "GET, HEAD"],
    ["PROPFIND /metrics", 405, "method_not_allowed", "GET, HEAD"],
    ["DELETE /v1/models/dynosim", 405, "method_not_allowed", "GET, HEAD"],
    ["NONSENSE /health", 400, "malformed_request"]
  ]
  served("answers every error in the API's form", {}, async (url) => {
    for (const [line, status, code, allow] of lines) {
      const answer = parts(await exchange(url, `${line} HTTP/1.1`, ["Host: localhost"]))
      assert.strictEqual(answer.status, status, line)
      assert.match(answer.head, /\r\ncontent-type: application\/json/i, line)
      assert.match(answer.head, /\r\nx-request-id: req-[0-9a-f-]{36}/, line)
      if (allow !== undefined) assert.include(answer.head.toLowerCase(), `\r\nallow: ${allow.toLowerCase()}\r\n`)
      if (line.startsWith("HEAD")) assert.strictEqual(answer.body, "")
      else assert.strictEqual(parseAnswer(answer.body).error.code, code, line)
    }
    assert.strictEqual(await metric(url, "dynosim:refused_requests_total"), lines.length)
  })

  served("answers what Node's parser refuses", {}, async (url) => {
    const long = parts(await exchange(url, "GET /health HTTP/1.1", ["Host: localhost", `X: ${"x".repeat(20_000)}`]))
    assert.deepStrictEqual([long.status, parseAnswer(long.body).error.code], [431, "header_too_large"])
    const expecting = parts(await exchange(url, "GET /health HTTP/1.1", ["Host: localhost", "Expect: 200-ok"]))
    assert.deepStrictEqual([expecting.status, parseAnswer(expecting.body).error.type], [417, "invalid_request_error"])
    const old = parts(await exchange(url, "GET /health HTTP/1.0", []))
    assert.deepStrictEqual([old.status, parseAnswer(old.body).error.code], [400, "host_missing"])
  })

  served("gives the head of whatever can be got", {}, async (url) => {
    for (const path of ["/health", "/version", "/metrics", "/v1/models", "/v1/models/dynosim"]) {
      const [head, whole] = await Promise.all([fetch(url + path, { method: "HEAD" }), fetch(url + path)])
      assert.strictEqual(head.status, 200, path)
      assert.strictEqual(await head.text(), "", path)
      assert.strictEqual(head.headers.get("content-type"), whole.headers.get("content-type"), path)
      await whole.text()
    }
  })

  served("names every request, by the client's name for it where it has one", {}, async (url) => {
    const idOf = async (given: Record<string, string>) =>
      (await fetch(`${url}/health`, { headers: given })).headers.get("x-request-id") ?? ""
    assert.strictEqual(await idOf({ "x-request-id": "mine-7" }), "mine-7")
    const ids = await Promise.all(
      [{}, {}, { "x-request-id": "two words" }, { "x-request-id": "x".repeat(129) }].map(idOf)
    )
    for (const id of ids) assert.match(id, /^req-[0-9a-f-]{36}$/)
    assert.strictEqual(new Set(ids).size, ids.length)
    const streamed = await post(url, completions, { model, prompt: "a", max_tokens: 2, stream: true })
    assert.match(streamed.headers.get("x-request-id") ?? "", /^req-/)
    await streamed.text()
  })
})

describe("a fault of the server", () => {
  const printed: Array<string> = []
  const broken = Layer.succeed(
    Router,
    Router.of({
      name: "broken",
      make: () =>
        Object.assign(new RoundRobin.RoundRobinCore(1), {
          route: (): number => {
            throw new Error("\u001b[31mred\u009b\u202e")
          }
        })
    })
  )

  served(
    "is told in the API's form, and printed without what terminals obey",
    { router: broken, print: (line) => void printed.push(line) },
    async (url) => {
      for (let attempt = 0; attempt < 2; attempt++) {
        const response = await post(url, completions, { model, prompt: "a" })
        assert.strictEqual(response.status, 500)
        assert.strictEqual((await answerOf(response)).error.message, "the server has failed on this request")
      }
      assert.strictEqual(printed.length, 2)
      assert.match(printed[0]!, /^error: a request has failed: Error: \\u001b\[31mred\\u009b\\u202e\n/)
    }
  )
})

describe("pages of other origins", () => {
  const page = { origin: "http://page.example" }
  const preflight = {
    method: "OPTIONS",
    headers: { ...page, "access-control-request-method": "POST", "access-control-request-headers": "content-type" }
  }

  served("are kept out by default", {}, async (url) => {
    const got = await fetch(`${url}/health`, { headers: page })
    assert.isNull(got.headers.get("access-control-allow-origin"))
    const asked = await fetch(url + completions, preflight)
    assert.deepStrictEqual([asked.status, asked.headers.get("access-control-allow-origin")], [405, null])
  })

  served(
    "are let in when they are named",
    { serve: { allowedOrigins: ["http://page.example", "http://b"] } },
    async (url) => {
      const asked = await fetch(url + completions, preflight)
      assert.strictEqual(asked.status, 204)
      assert.strictEqual(asked.headers.get("access-control-allow-origin"), "http://page.example")
      assert.strictEqual(asked.headers.get("access-control-allow-headers"), "content-type")
      assert.include(asked.headers.get("access-control-allow-methods") ?? "", "POST")
      const posted = await post(
        url,
        completions,
        { model, prompt: "" },
        { headers: { ...page, "content-type": "application/json" } }
      )
      assert.deepStrictEqual([posted.status, posted.headers.get("access-control-allow-origin")], [400, page.origin])
      assert.include(posted.headers.get("access-control-expose-headers") ?? "", "x-request-id")
      const other = await fetch(`${url}/health`, { headers: { origin: "http://other.example" } })
      assert.isNull(other.headers.get("access-control-allow-origin"))
    }
  )

  served("may all be let in", { serve: { allowedOrigins: ["*"] } }, async (url) => {
    const got = await fetch(`${url}/health`, { headers: page })
    assert.strictEqual(got.headers.get("access-control-allow-origin"), "*")
  })
})
