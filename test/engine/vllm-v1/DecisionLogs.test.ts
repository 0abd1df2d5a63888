/** Every recorded decision log of the real schedulers, pass by pass. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type SchedulerRules, schedulerRules } from "../../../src/engine/vllm-v1/SchedulerRules.ts"
import {
  drive,
  passesOf,
  type RecordedCase,
  type RecordedPass,
  recordedWorker,
  requestsOf,
  settingsOf
} from "./RecordedDecisions.ts"

const recorded = resolve(import.meta.dirname, "../../golden/vllm")

const folders: ReadonlyArray<readonly [folder: string, rules: SchedulerRules]> = [
  ["0.33.0", schedulerRules["vllm-0.33"]],
  ["0.25.1", schedulerRules["vllm-0.25"]],
  ["0.17.1", schedulerRules["vllm-0.17"]]
]

const close = (actual: number, expected: number, what: string): void =>
  assert.isTrue(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${what}: ${actual} instead of ${expected}`
  )

/** Calls that scheduled nothing take no time and decide nothing; the last ones of a run have nobody left to serve. */
const withWork = (passes: ReadonlyArray<RecordedPass>) => passes.filter((pass) => pass.scheduled.length > 0)

const samePass = (actual: RecordedPass, expected: RecordedPass, at: string): void => {
  const { end_ms: endMs, exec_start_ms: startMs, start_ms: decidedMs, ...decision } = actual
  close(decidedMs, expected.start_ms, `${at} decided`)
  close(startMs ?? decidedMs, expected.exec_start_ms ?? expected.start_ms, `${at} starts`)
  close(endMs, expected.end_ms, `${at} ends`)
  const { admitted, emitted, evicted, finished, preempted, scheduled, used_blocks, used_blocks_after, waiting } =
    expected
  assert.deepStrictEqual(
    decision,
    { scheduled, admitted, preempted, evicted, waiting, used_blocks, used_blocks_after, emitted, finished },
    at
  )
}

for (const [folder, rules] of folders) {
  describe(`vLLM ${folder}`, () => {
    const files = readdirSync(join(recorded, folder)).filter((file) => !/^(?:whole|accuracy)_/.test(file))
    it("has recorded decisions", () => assert.isAbove(files.length, 5))
    for (const file of files) {
      it(file, () => {
        const expected = JSON.parse(readFileSync(join(recorded, folder, file), "utf8")) as RecordedCase
        const settings = settingsOf(expected.settings, rules)
        const { log, worker } = recordedWorker(settings, rules)
        const requests = requestsOf(expected, settings.blockTokens)
        const rejected = drive(worker, requests)
        assert.deepStrictEqual(
          rejected.map(({ requestId }) => requestId),
          [...expected.rejected]
        )
        const passes = withWork(
          passesOf(
            log,
            requests.filter((request) => !rejected.includes(request))
          )
        )
        const expectedPasses = withWork(expected.passes)
        expectedPasses.forEach((pass, index) => samePass(passes[index]!, pass, `pass ${index}`))
        assert.strictEqual(passes.length, expectedPasses.length)
        for (const result of expected.results) {
          const request = requests.find(({ requestId }) => requestId === result.id)!
          close(request.firstAdmitMs, result.first_admit_ms, `${result.id} admitted`)
          close(request.firstTokenMs, result.first_token_ms, `${result.id} first token`)
          close(request.lastTokenMs, result.last_token_ms, `${result.id} last token`)
          assert.deepStrictEqual(
            [request.emittedTokens, request.firstAdmissionReusedTokens, request.reusedTokens],
            [result.tokens, result.cached_tokens_first, result.cached_tokens_max],
            result.id
          )
        }
      })
    }
  })
}
