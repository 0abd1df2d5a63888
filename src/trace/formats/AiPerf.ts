/**
 * AIPerf's superset of mooncake rows: hash ids and output lengths are optional, later turns of a session hold what they add,
 * and a prompt may be given as text.
 */
import { counted } from "../../settings/Counted.ts"
import { isJsonObject, type JsonObject } from "../JsonLine.ts"
import { mooncakeRowOf, mooncakeRules } from "../MooncakeReader.ts"
import type { RowResult } from "../RowReader.ts"
import type { TraceRow } from "../TraceRow.ts"
import { tokensOf } from "./Cells.ts"
import { defaultForeignBlockTokens, type ForeignReading, type OpenForeign } from "./ForeignFormat.ts"
import { openObjectLines } from "./JsonLinesFormat.ts"
import { MadeUpPrompts } from "./MadeUpPrompts.ts"

/** Far from the ids that rows of the same file may bring. */
const firstMadeUpId = 2 ** 40

const utf8 = new TextEncoder()

const textKeys = ["text_input", "messages", "payload"] as const

/** Bytes of all texts in a value: strings, `content` and `text` of messages, whatever lies around them. */
const textBytes = (value: unknown): number => {
  if (typeof value === "string") return utf8.encode(value).length
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + textBytes(item), 0)
  if (!isJsonObject(value)) return 0
  return ["content", "text", "messages", "prompt"].reduce((sum, key) => sum + textBytes(value[key]), 0)
}

class Rows {
  private readonly reading: ForeignReading
  private readonly blockTokens: number
  private readonly prompts: MadeUpPrompts
  private withoutOutput = 0
  private measured = 0

  constructor(reading: ForeignReading, blockTokens: number) {
    this.reading = reading
    this.blockTokens = blockTokens
    this.prompts = new MadeUpPrompts(blockTokens, reading.prefixes, reading.seed, firstMadeUpId)
  }

  rowOf(object: JsonObject, line: number): RowResult<TraceRow> {
    const outputTokens = tokensOf(object["output_length"] ?? object["output_tokens"])
    const given = this.reading.defaultOutputTokens
    if (outputTokens === undefined && given === undefined) {
      return {
        problem: `trace line ${line} has no output_length; say how long outputs are with --default-output-tokens`
      }
    }
    if (outputTokens === undefined) this.withoutOutput += 1
    const output = outputTokens ?? given ?? 1
    const prompt = this.promptOf(object, line, output)
    if (typeof prompt === "string") return { problem: prompt }
    const { output_tokens: _output, input_tokens: _input, ...others } = object
    const { timeUnit } = this.reading
    return mooncakeRowOf({ ...others, ...prompt, output_length: output }, line, {
      traceBlockTokens: this.blockTokens,
      ...(timeUnit === undefined ? {} : { timeUnit })
    })
  }

  notices(): ReadonlyArray<string> {
    const { defaultOutputTokens, textBytesPerToken } = this.reading
    return [
      ...(this.withoutOutput === 0 || defaultOutputTokens === undefined
        ? []
        : [
            `${counted(this.withoutOutput, "request")} without length of output: ${counted(defaultOutputTokens, "token")} each`
          ]),
      ...(this.measured === 0
        ? []
        : [`${counted(this.measured, "prompt")} measured as a token per ${textBytesPerToken} bytes of text`])
    ]
  }

  /** Length and ids; a text says why there are none. */
  private promptOf(object: JsonObject, line: number, outputTokens: number): JsonObject | string {
    const stated = object["input_length"] ?? object["input_tokens"]
    if (Array.isArray(object["hash_ids"])) return stated === undefined ? {} : { input_length: stated }
    const promptTokens = stated === undefined ? this.tokensOfText(object, line) : tokensOf(stated)
    if (typeof promptTokens === "string") return promptTokens
    if (promptTokens === undefined || promptTokens < 1) return `trace line ${line} must have a positive input_length`
    return { input_length: promptTokens, hash_ids: this.prompts.single(promptTokens, outputTokens) }
  }

  private tokensOfText(object: JsonObject, line: number): number | string {
    const key = textKeys.find((name) => object[name] !== undefined)
    if (key === undefined) return `trace line ${line} has neither input_length nor hash_ids`
    const { textBytesPerToken } = this.reading
    if (textBytesPerToken === undefined) {
      return (
        `trace line ${line} holds only the text of its prompt (${key}), whose tokens nobody has counted;`
        + ` --text-bytes-per-token 4 takes 4 bytes for a token`
      )
    }
    this.measured += 1
    return Math.max(1, Math.ceil(textBytes(object[key]) / textBytesPerToken))
  }
}

export const openAiPerf: OpenForeign = (reading) => {
  const { file, traceBlockTokens = defaultForeignBlockTokens } = reading
  return openObjectLines(
    { file, readAs: "aiperf", rules: mooncakeRules, traceBlockTokens, accumulatesPrompts: true },
    () => new Rows(reading, traceBlockTokens)
  )
}
