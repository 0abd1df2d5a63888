/** Whole runs of the conversation trace's first thousand rows: every pass by its hash, every request by its times. */
import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type SchedulerRules, schedulerRules } from "../../../src/engine/vllm-v1/SchedulerRules.ts"
import type { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import type { WorkerCore } from "../../../src/engine/WorkerCore.ts"
import { HashIdTrie } from "../../../src/request/HashIdTrie.ts"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import { request } from "../../support/RequestBuilder.ts"
import { type DecisionLog, drive, type RecordedSettings, recordedWorker, settingsOf } from "./RecordedDecisions.ts"

const root = resolve(import.meta.dirname, "../../..")
const recorded = join(root, "test/golden/vllm")
const rows = 1_000
const traceBlockTokens = 512

interface WholeRun {
  readonly settings: RecordedSettings
  readonly pass_log_sha256?: string
  readonly pass_log_checkpoints?: ReadonlyArray<readonly [passes: number, hash: string]>
  readonly columns: ReadonlyArray<string>
  readonly requests: ReadonlyArray<ReadonlyArray<string | number>>
}

interface ConversationRow {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
  readonly hash_ids: ReadonlyArray<number>
}

const conversation = readFileSync(join(root, "traces/conversation_trace.jsonl"), "utf8")
  .split("\n", rows)
  .map((line) => JSON.parse(line) as ConversationRow)

const conversationRequests = (blockTokens: number): Array<SimRequest> => {
  const identity = new HashIdTrie(traceBlockTokens, blockTokens)
  return conversation.map((row, id) =>
    request({
      id,
      promptTokens: row.input_length,
      outputTokens: row.output_length,
      blocks: identity.blocksOfHashIds(row.hash_ids, row.input_length),
      arrivalMs: row.timestamp - conversation[0]!.timestamp
    })
  )
}

/** The hash over all passes, and over the first ones at every recorded checkpoint. */
const passHashes = (log: DecisionLog, requests: ReadonlyArray<SimRequest>) => {
  const firstOwner = new Map<number, number>()
  for (const { blocks, id } of requests) for (const key of blocks) if (!firstOwner.has(key)) firstOwner.set(key, id)
  const name = ({ id }: SimRequest): string => `r${id}`
  const hash = createHash("sha256")
  const checkpoints: Array<readonly [number, string]> = []
  let passes = 0
  log.deliveries.forEach((delivery, index) => {
    const decision = log.decisions[index]!
    if (decision.scheduled.length === 0) return
    const line = [
      decision.scheduled.map(({ request, tokens, tokensBefore }) => [name(request), tokensBefore, tokens]),
      decision.admitted.map(({ hitTokens, request }) => [name(request), hitTokens]),
      decision.preempted.map(name),
      decision.evicted.map(({ block, owner }) => {
        const first = block < owner.blocks.length ? firstOwner.get(owner.blocks[block]!)! : owner.id
        return `r${first}:${block}`
      }),
      decision.usedBlocks,
      delivery.emitted.map(name),
      delivery.finished.map(name)
    ]
    hash.update(`${JSON.stringify(line)}\n`)
    passes += 1
    if (passes % 500 === 0) checkpoints.push([passes, hash.copy().digest("hex").slice(0, 16)])
  })
  return { checkpoints, whole: hash.digest("hex") }
}

const times = (subject: SimRequest): ReadonlyArray<readonly [column: string, value: number]> => [
  ["first_admit_ms", subject.firstAdmitMs],
  ["first_token_ms", subject.firstTokenMs],
  ["last_token_ms", subject.lastTokenMs],
  ["tokens", subject.emittedTokens],
  ["cached_tokens_first", subject.firstAdmissionReusedTokens],
  ["cached_tokens_max", subject.reusedTokens]
]

/** Every token but a request's first has a gap, and its gaps add up to the time between its first and last. */
const checkGaps = (gaps: TokenGaps, requests: ReadonlyArray<SimRequest>): void => {
  const { counts, gapsMs } = gaps.take()
  const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
  const tokens = sum(Array.from(counts))
  assert.strictEqual(tokens, sum(requests.map(({ emittedTokens }) => emittedTokens - 1)))
  const spansMs = sum(requests.map(({ firstTokenMs, lastTokenMs }) => lastTokenMs - firstTokenMs))
  assert.approximately(sum(Array.from(gapsMs, (gapMs, pair) => gapMs * counts[pair]!)), spansMs, 1e-9 * spansMs)
}

/** Sums up what the passes say that they prefill. */
const countedPrefill = (worker: WorkerCore): (() => number) => {
  let tokens = 0
  const pass = worker.pass.bind(worker)
  worker.pass = (nowMs) => {
    const outcome = pass(nowMs)
    tokens += outcome.prefillTokens
    return outcome
  }
  return () => tokens
}

const uncachedTokens = (requests: ReadonlyArray<SimRequest>): number =>
  requests.reduce(
    (total, { firstAdmissionReusedTokens, promptTokens }) => total + promptTokens - firstAdmissionReusedTokens,
    0
  )

const folders: ReadonlyArray<readonly [folder: string, rules: SchedulerRules]> = [
  ["0.33.0", schedulerRules["vllm-0.33"]],
  ["0.25.1", schedulerRules["vllm-0.25"]],
  ["0.17.1", schedulerRules["vllm-0.17"]]
]

for (const [folder, rules] of folders) {
  describe(`vLLM ${folder}`, () => {
    for (const file of readdirSync(join(recorded, folder)).filter((name) => name.startsWith("whole_"))) {
      it(`${file}, pass by pass`, () => {
        const expected = JSON.parse(readFileSync(join(recorded, folder, file), "utf8")) as WholeRun
        const settings = settingsOf(expected.settings, rules)
        const { gaps, log, worker } = recordedWorker(settings, rules)
        const prefillTokens = countedPrefill(worker)
        const requests = conversationRequests(settings.blockTokens)
        assert.deepStrictEqual(drive(worker, requests, { checked: false }), [])
        checkGaps(gaps, requests)
        if (worker.snapshot().preemptions === 0) assert.strictEqual(prefillTokens(), uncachedTokens(requests))
        const { checkpoints, whole } = passHashes(log, requests)
        if (expected.pass_log_checkpoints !== undefined)
          assert.deepStrictEqual(checkpoints, expected.pass_log_checkpoints)
        if (expected.pass_log_sha256 !== undefined) assert.strictEqual(whole, expected.pass_log_sha256)
        const preemptions = new Map<SimRequest, number>()
        for (const { preempted } of log.decisions)
          for (const victim of preempted) preemptions.set(victim, (preemptions.get(victim) ?? 0) + 1)
        expected.requests.forEach((row, index) => {
          const subject = requests[index]!
          for (const [column, value] of [...times(subject), ["preemptions", preemptions.get(subject) ?? 0] as const]) {
            const recordedValue = Number(row[expected.columns.indexOf(column)])
            assert.isTrue(
              Math.abs(value - recordedValue) <= 1e-9 * Math.abs(recordedValue),
              `r${index} ${column}: ${value} instead of ${recordedValue}`
            )
          }
        })
      })
    }
  })
}
