/** How a simulated deployment is served over HTTP: its name, its limits, its defaults. */

export interface ServeOptions {
  /** Address to listen on. The server knows no authentication: beyond the loopback interface it is open to everybody. */
  readonly host: string
  /** Names, beside loopback ones and `host` itself, that requests may call the server by; `*` for any. */
  readonly allowedHosts: ReadonlyArray<string>
  /** Origins whose pages may read answers in a browser (CORS); `*` for any, none by default. */
  readonly allowedOrigins: ReadonlyArray<string>
  /** 0 for any free port. */
  readonly port: number
  /** The one model that requests may name. */
  readonly modelName: string
  /** Output tokens of a request that does not say how many it wants. */
  readonly defaultOutputTokens: number
  /** Prompt and output tokens of one request together; the size of a worker's KV pool when absent. */
  readonly maxContextTokens: number | undefined
  /** Requests being served at a time; further ones are refused with status 429. */
  readonly maxConcurrentRequests: number
  /** Bytes of a request body. */
  readonly maxBodyBytes: number
  /** A request must have been received whole within this time, ms. */
  readonly requestTimeoutMs: number
  /** A client must take what is sent to it within this time, ms. */
  readonly clientTimeoutMs: number
  /** Lateness up to which a worker catches up with its model, ms. */
  readonly maxLagMs: number
}

export const defaultServeOptions: ServeOptions = {
  host: "127.0.0.1",
  allowedHosts: [],
  allowedOrigins: [],
  port: 8000,
  modelName: "dynosim",
  defaultOutputTokens: 128,
  maxContextTokens: undefined,
  maxConcurrentRequests: 1024,
  maxBodyBytes: 8 * 1024 * 1024,
  requestTimeoutMs: 30_000,
  clientTimeoutMs: 30_000,
  maxLagMs: 20
}
