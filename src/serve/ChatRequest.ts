/** The body of `POST /v1/chat/completions`. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ApiError, invalid } from "./ApiError.ts"
import { messageFields, tokensOfChat } from "./ChatMessages.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import {
  type BodyReader,
  commonFields,
  commonNeutral,
  commonSpec,
  mostAlternatives,
  nullable,
  readBody
} from "./RequestFields.ts"

const fields = {
  ...commonFields,
  ...messageFields,
  max_completion_tokens: commonFields.max_tokens,
  logprobs: nullable(Schema.Boolean),
  top_logprobs: nullable(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: mostAlternatives }))),
  metadata: nullable(Schema.Record(Schema.String, Schema.String)),
  modalities: nullable(Schema.Array(Schema.Literal("text"))),
  parallel_tool_calls: nullable(Schema.Boolean),
  prompt_cache_key: nullable(Schema.String),
  reasoning_effort: nullable(Schema.String),
  safety_identifier: nullable(Schema.String),
  service_tier: nullable(Schema.Literals(["auto", "default"])),
  verbosity: nullable(Schema.String)
} as const

const Body = Schema.Struct(fields)

const reader: BodyReader<typeof Body.Type> = {
  parse: Schema.decodeUnknownResult(Body),
  names: Object.keys(fields),
  neutral: {
    ...commonNeutral,
    add_generation_prompt: [true],
    audio: [],
    chat_template: [],
    chat_template_kwargs: [],
    continue_final_message: [false],
    documents: [],
    echo: [false],
    function_call: ["none", "auto"],
    functions: [],
    prediction: [],
    store: [false],
    tool_choice: ["none", "auto"],
    web_search_options: []
  }
}

const lonelyTop = invalid("top_logprobs may only be given together with logprobs: true", { param: "top_logprobs" })

export const parseChat = (body: unknown): Result.Result<GenerationSpec, ApiError> =>
  Result.gen(function* () {
    const read = yield* readBody(body, reader)
    const { logprobs, max_completion_tokens, max_tokens, messages, tools, top_logprobs } = read
    if ((top_logprobs ?? 0) > 0 && logprobs !== true) return yield* Result.fail(lonelyTop)
    const prompt = yield* tokensOfChat(messages, tools ?? [], true)
    return {
      ...(yield* commonSpec(read, max_completion_tokens ?? max_tokens ?? undefined)),
      prompts: [prompt],
      echo: false,
      logprobs: logprobs === true ? (top_logprobs ?? 0) : undefined
    }
  })
