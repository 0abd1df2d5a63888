/** Whole runs under the vLLM profiles, from flags to records, request by request against the recorded ones. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, beforeAll } from "vitest"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import { runCommand } from "../support/CommandRun.ts"

const root = resolve(import.meta.dirname, "../..")
const recorded = join(import.meta.dirname, "vllm")
const scratch = mkdtempSync(join(tmpdir(), "dynosim-vllm-"))
const conversation = join(scratch, "conversation-1000.jsonl")

interface RecordedRun {
  /** `traces/NAME`, or what is said about the conversation trace. */
  readonly trace: string
  readonly settings: Readonly<Record<string, number | boolean>>
  readonly columns: ReadonlyArray<string>
  readonly requests: ReadonlyArray<ReadonlyArray<string | number>>
}

/** Engine arguments by the recorded settings: usable blocks are what our key means. */
const engineArgsOf = (profile: string, { num_gpu_blocks_usable, ...settings }: RecordedRun["settings"]): string =>
  JSON.stringify({
    engine_profile: profile,
    // The default of the classes that were driven, not of the server.
    async_scheduling: false,
    ...settings,
    ...(num_gpu_blocks_usable === undefined ? {} : { num_gpu_blocks: num_gpu_blocks_usable })
  })

const figures: Readonly<Record<string, (record: RequestRecord) => number>> = {
  first_admit_ms: ({ firstAdmitMs }) => firstAdmitMs,
  first_token_ms: ({ firstTokenMs }) => firstTokenMs,
  last_token_ms: ({ lastTokenMs }) => lastTokenMs,
  tokens: ({ emittedTokens }) => emittedTokens,
  cached_tokens_first: ({ firstAdmissionReusedTokens }) => firstAdmissionReusedTokens,
  cached_tokens_max: ({ reusedTokens }) => reusedTokens
}

/** Our times count from the first arrival of the trace. */
const firstArrivalMs = (trace: string): number =>
  (JSON.parse(readFileSync(trace, "utf8").split("\n", 1)[0]!) as { readonly timestamp: number }).timestamp

const compare = (run: RecordedRun, records: ReadonlyArray<RequestRecord>, originMs: number): void => {
  const byId = new Map(records.map((record) => [record.id, record]))
  assert.strictEqual(byId.size, run.requests.length)
  run.requests.forEach((row, id) => {
    const record = byId.get(id)!
    assert.strictEqual(record.status, "completed")
    for (const [column, figure] of Object.entries(figures)) {
      const at = run.columns.indexOf(column)
      if (at < 0) continue
      const expected = Number(row[at])
      const actual = figure(record) + (column.endsWith("_ms") ? originMs : 0)
      assert.isTrue(
        Math.abs(actual - expected) <= 1e-9 * Math.abs(expected),
        `request ${id} ${column}: ${actual} instead of ${expected}`
      )
    }
  })
}

beforeAll(() => {
  const rows = readFileSync(join(root, "traces/conversation_trace.jsonl"), "utf8").split("\n", 1_000)
  writeFileSync(conversation, `${rows.join("\n")}\n`)
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const profiles = [
  ["0.33.0", "vllm-0.33"],
  ["0.25.1", "vllm-0.25"],
  ["0.17.1", "vllm-0.17"]
] as const

for (const [folder, profile] of profiles) {
  describe(`engine profile ${profile}`, () => {
    for (const file of readdirSync(join(recorded, folder)).filter((name) => /^(?:whole|accuracy)_/.test(name))) {
      it.live(file, () =>
        Effect.gen(function* () {
          const run = JSON.parse(readFileSync(join(recorded, folder, file), "utf8")) as RecordedRun
          const trace = run.trace.startsWith("traces/") ? join(recorded, run.trace) : conversation
          const flags = ["--extra-engine-args", engineArgsOf(profile, run.settings)]
          const { records } = yield* runCommand([trace], flags, { check: false })
          compare(run, records, firstArrivalMs(trace))
        })
      )
    }
  })
}
