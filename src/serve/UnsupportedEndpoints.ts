/** What clients know from other servers and this one cannot do, and where they may turn instead. */
import type * as HttpRouter from "effect/http/HttpRouter"
import { type ApiError, invalid } from "./ApiError.ts"

interface Unsupported {
  readonly instead: string
  readonly paths: ReadonlyArray<HttpRouter.PathInput>
}

const families: ReadonlyArray<Unsupported> = [
  { instead: "use /v1/chat/completions", paths: ["/v1/responses", "/v1/messages", "/api/chat"] },
  { instead: "use /v1/completions", paths: ["/api/generate", "/generate", "/invocations", "/inference/v1/generate"] },
  {
    instead: "the simulated model does nothing but generate text",
    paths: [
      "/v1/embeddings",
      "/embeddings",
      "/pooling",
      "/classify",
      "/score",
      "/v1/score",
      "/rerank",
      "/v1/rerank",
      "/v1/moderations",
      "/v1/images/generations",
      "/v1/audio/speech",
      "/v1/audio/transcriptions",
      "/v1/audio/translations"
    ]
  }
]

export const unsupportedEndpoints: ReadonlyArray<{
  readonly path: HttpRouter.PathInput
  readonly problem: ApiError
}> = families.flatMap(({ instead, paths }) =>
  paths.map((path) => ({
    path,
    problem: invalid(`this server does not offer ${path}: ${instead}`, { status: 404, code: "unsupported_endpoint" })
  }))
)
