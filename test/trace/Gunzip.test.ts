import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { gzipSync } from "node:zlib"
import { gunzip, isGzip } from "../../src/trace/Gunzip.ts"
import { bytesOf, chunked } from "./TraceTexts.ts"

const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("")

const inflate = (bytes: Uint8Array, chunkBytes = 1000) =>
  Effect.map(Stream.runCollect(gunzip(chunked(bytes, chunkBytes), "t.gz")), (parts) =>
    new TextDecoder().decode(Buffer.concat(parts))
  )

describe("gunzip", () => {
  it("knows gzip by its first bytes", () => {
    assert.isTrue(isGzip(gzipSync("x")))
    assert.isFalse(isGzip(bytesOf("{}")))
    assert.isFalse(isGzip(new Uint8Array(0)))
  })

  it.effect("gives back what was compressed, for small and large chunks", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* inflate(gzipSync(text), 100), text)
      assert.strictEqual(yield* inflate(gzipSync(text), 1 << 20), text)
    })
  )

  it.effect("reads several members in a row", () =>
    Effect.gen(function* () {
      const bytes = Buffer.concat([gzipSync("one\n"), gzipSync("two\n"), gzipSync(text)])
      assert.strictEqual(yield* inflate(bytes), `one\ntwo\n${text}`)
    })
  )

  it.effect("refuses data that is cut short or not gzip", () =>
    Effect.gen(function* () {
      const whole = gzipSync(text)
      for (const bytes of [whole.subarray(0, whole.length - 9), whole.subarray(0, 5), bytesOf('{"plain":1}\n')]) {
        const error = yield* Effect.flip(inflate(bytes))
        assert.match(error.message, /^t\.gz: failed to read t\.gz: the gzip data is damaged or cut short/)
      }
    })
  )

  it.effect("can be given up half way", () =>
    Effect.gen(function* () {
      const first = yield* Stream.runCollect(Stream.take(gunzip(chunked(gzipSync(text), 100), "t.gz"), 1))
      assert.strictEqual(first.length, 1)
    })
  )
})
