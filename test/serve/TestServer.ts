/** A server on a free port for the time of a test, with fast engines, and plain clients for it. */
import { it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { connect, type Socket } from "node:net"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import type { LiveTopology } from "../../src/online/LiveTopology.ts"
import { Pace } from "../../src/online/Pace.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import type { Router } from "../../src/router/Router.ts"
import { defaultServeOptions, type ServeOptions } from "../../src/serve/ServeOptions.ts"
import { serve } from "../../src/serve/Server.ts"
import { aggregated, engineOf } from "../online/OnlineRuns.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"

export interface TestServerOptions {
  readonly serve?: Partial<ServeOptions>
  readonly engine?: Partial<EngineArgs>
  /** 1 by default. */
  readonly workers?: number
  /** In place of engine, router and workers. */
  readonly live?: Layer.Layer<LiveTopology>
  /** Takes what the server prints; the console by default. */
  readonly print?: (line: string) => void
  readonly router?: Layer.Layer<Router, SettingsError>
}

/** Starts a server; gives its URL. It stops with the scope. */
export const startServer = Effect.fnUntraced(function* (
  options: TestServerOptions = {}
): Effect.fn.Return<string, never, Scope.Scope> {
  const url = yield* Deferred.make<string>()
  const engine = engineOf(engineArgs({ speedupRatio: 20, numGpuBlocks: 1000, ...options.engine }))
  const live =
    options.live
    ?? aggregated({ engine, router: options.router ?? RoundRobin.layer, workers: options.workers ?? 1 }).live
  const running = serve({ ...defaultServeOptions, port: 0, ...options.serve }, (address) =>
    Effect.asVoid(Deferred.succeed(url, address))
  ).pipe(Effect.provide([live, Pace.layerLive]), Effect.orDie)
  const { print } = options
  const fiber = yield* Effect.forkScoped(
    print === undefined
      ? running
      : Effect.provideService(running, Console.Console, { ...console, log: print, error: print })
  )
  return yield* Effect.raceFirst(Deferred.await(url), Fiber.join(fiber))
})

/** A test against a server of its own. */
export const served = (name: string, options: TestServerOptions, body: (url: string) => Promise<void>) =>
  it.live(name, (): Effect.Effect<void, never, Scope.Scope> =>
    Effect.flatMap(startServer(options), (url) => Effect.promise(() => body(url)))
  )

export const post = (url: string, path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...init
  })

interface ChatProbability {
  readonly token: string
  readonly logprob: number
  readonly bytes: ReadonlyArray<number>
}

/** Those of completions, or the content of chats. */
interface Logprobs {
  readonly tokens: ReadonlyArray<string>
  readonly token_logprobs: ReadonlyArray<number>
  readonly text_offset: ReadonlyArray<number>
  readonly top_logprobs: ReadonlyArray<Readonly<Record<string, number>>>
  readonly content: ReadonlyArray<ChatProbability & { readonly top_logprobs: ReadonlyArray<ChatProbability> }>
}

/** The parts of answers that tests look at; which of them are there depends on the answer. */
export interface Answer {
  readonly id: string
  readonly object: string
  readonly created: number
  readonly choices: ReadonlyArray<{
    readonly index: number
    readonly text: string
    readonly message: { readonly role: string; readonly content: string }
    readonly delta: { readonly role?: string; readonly content?: string }
    readonly logprobs: Logprobs | null
    readonly finish_reason: string | null
    readonly stop_reason?: string
  }>
  readonly usage: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly total_tokens: number
    readonly prompt_tokens_details: { readonly cached_tokens: number }
  }
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
  readonly data: ReadonlyArray<{ readonly id: string; readonly max_model_len: number }>
  readonly version: string
  readonly server_load: number
  readonly count: number
  readonly tokens: ReadonlyArray<number>
  readonly token_strs: ReadonlyArray<string> | null
  readonly max_model_len: number
  readonly prompt: string
}

/** The first of a list that has one. */
export const first = <A>(list: ReadonlyArray<A>): A => {
  const [head] = list
  if (head === undefined) throw new Error("an empty list")
  return head
}

export const parseAnswer = (text: string): Answer => JSON.parse(text)

export const answerOf = async (response: Response | Promise<Response>): Promise<Answer> =>
  parseAnswer(await (await response).text())

/** Reads the data of server-sent events to the end. */
export const eventsOf = async (response: Response): Promise<ReadonlyArray<string>> => {
  const text = await response.text()
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      if (!event.startsWith("data: ")) throw new Error(`not an event: ${event}`)
      return event.slice(6)
    })
}

/** A metric's value, summed over its series. */
export const metric = async (url: string, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  const values = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  if (values.length === 0) throw new Error(`no metric ${name}`)
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)
}

/** Asks until the answer is as expected, for at most ten seconds. */
export const eventually = async (ask: () => Promise<number>, expected: number): Promise<void> => {
  for (let attempt = 0; attempt < 500; attempt++) {
    if ((await ask()) === expected) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`still ${await ask()} instead of ${expected}`)
}

/** A connection without any HTTP library, for requests that no library would send. */
export const rawConnection = (url: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => resolve(socket))
    socket.on("error", reject)
  })

/** Sends a request word for word and gives the whole answer; the server is asked to close the connection. */
export const exchange = async (
  url: string,
  line: string,
  headers: ReadonlyArray<string>,
  body = ""
): Promise<string> => {
  const socket = await rawConnection(url)
  const text = received(socket)
  socket.write([line, ...headers, "Connection: close", "", body].join("\r\n"))
  return text
}

/** Everything a connection receives until its other end closes it. */
export const received = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = ""
    socket.on("data", (chunk) => void (text += chunk.toString()))
    socket.on("close", () => resolve(text))
  })
