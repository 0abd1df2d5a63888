/** What only SGLang-style engines can be told, `sglang` among the engine arguments. */
import { anyCount, integer, mostTokens, number, oneOf } from "../../settings/Kind.ts"
import { optional } from "../../settings/Setting.ts"

export const sglangSettings = {
  schedulePolicy: optional(
    oneOf(["fifo", "fcfs", "lpm"]),
    undefined,
    "Order of the waiting queue; fifo is another name of fcfs"
  ),
  pageTokens: optional(
    integer(1, mostTokens),
    undefined,
    "Tokens per page of the radix cache; the same as block_size",
    { key: "page_size" }
  ),
  maxPrefillTokens: optional(integer(1, anyCount), 16384, "Prompt tokens that a prefill pass may take in"),
  chunkedPrefillTokens: optional(integer(1, anyCount), 8192, "Tokens of a chunk of a prompt", {
    key: "chunked_prefill_size"
  }),
  clipMaxNewTokens: optional(
    integer(1, anyCount),
    4096,
    "Output tokens that admission reserves for a request, at most"
  ),
  scheduleConservativeness: optional(number(0, 1e9), 1, "Factor on the share of new tokens that admission expects")
}

export interface SglangArgs {
  readonly schedulePolicy: "fcfs" | "lpm"
  readonly maxPrefillTokens: number
  readonly chunkedPrefillTokens: number
  readonly clipMaxNewTokens: number
  readonly scheduleConservativeness: number
}
