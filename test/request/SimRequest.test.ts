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
})
