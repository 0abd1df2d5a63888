import { assert, describe, it } from "@effect/vitest"
import { blocksFrom, request } from "../support/RequestBuilder.ts"

describe("SimRequest", () => {
  it("keeps its first admission and its largest reuse", () => {
    const subject = request({ promptTokens: 256, outputTokens: 4, blocks: blocksFrom(0, 4) })
    subject.admitted(10, 64)
    subject.admitted(20, 192)
    subject.admitted(30, 128)
    assert.strictEqual(subject.firstAdmitMs, 10)
    assert.strictEqual(subject.firstAdmissionReusedTokens, 64)
    assert.strictEqual(subject.reusedTokens, 192)
  })

  it("tells what others computed from what it computed itself", () => {
    const subject = request({ promptTokens: 256, outputTokens: 40, blocks: blocksFrom(0, 4) })
    subject.admitted(0, 64)
    assert.strictEqual(subject.sharedReusedTokens, 64)
    // Computed up to 128, thrown out, found again; then others have gone on to 192.
    subject.computedUpTo(128)
    subject.admitted(10, 128)
    assert.strictEqual(subject.sharedReusedTokens, 64)
    subject.computedUpTo(100)
    subject.admitted(20, 192)
    assert.strictEqual(subject.sharedReusedTokens, 64 + 64)
    // Blocks of its output are no part of the prompt.
    subject.admitted(30, 290)
    assert.strictEqual(subject.sharedReusedTokens, 64 + 64 + 64)
    subject.admitted(40, 300)
    assert.deepStrictEqual([subject.sharedReusedTokens, subject.reusedTokens], [192, 300])
  })
})
