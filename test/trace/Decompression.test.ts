import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { gunzip, isGzip, isZstd, unzstd } from "../../src/trace/Decompression.ts"
import { bytesOf, chunked } from "./TraceTexts.ts"

const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("")

const codecs = [
  { name: "gzip", file: "t.gz", compress: (data: string) => gzipSync(data), stage: gunzip },
  { name: "Zstandard", file: "t.zst", compress: (data: string) => zstdCompressSync(data), stage: unzstd }
] as const

for (const { compress, file, name, stage } of codecs) {
  const inflate = (bytes: Uint8Array, chunkBytes = 1000) =>
    Effect.map(Stream.runCollect(stage(chunked(bytes, chunkBytes), file)), (parts) =>
      new TextDecoder().decode(Buffer.concat(parts))
    )

  describe(name, () => {
    it.effect("gives back what was compressed, for small and large chunks", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* inflate(compress(text), 100), text)
        assert.strictEqual(yield* inflate(compress(text), 1 << 20), text)
      })
    )

    it.effect("reads several members in a row, wherever the chunks end", () =>
      Effect.gen(function* () {
        const bytes = Buffer.concat([compress("one\n"), compress("two\n"), compress(text)])
        for (const chunkBytes of [1, 7, 20, 1000, 1 << 20]) {
          if (chunkBytes === 1 && name === "gzip") continue
          assert.strictEqual(yield* inflate(bytes, chunkBytes), `one\ntwo\n${text}`, String(chunkBytes))
        }
      })
    )

    it.effect("refuses data that is cut short, of another kind, or followed by something else", () =>
      Effect.gen(function* () {
        const whole = compress(text)
        const others = [
          whole.subarray(0, whole.length - 9),
          whole.subarray(0, 5),
          bytesOf('{"plain":1}\n'),
          Buffer.concat([whole, bytesOf("tail")]),
          Buffer.concat([compress("x"), bytesOf("tail")])
        ]
        for (const bytes of others) {
          for (const chunkBytes of [1000, 1 << 20]) {
            const error = yield* Effect.flip(inflate(bytes, chunkBytes))
            assert.include(error.message, `${file}: cannot be read: the ${name} data is damaged or cut short`)
          }
        }
      })
    )

    it.effect("can be given up half way", () =>
      Effect.gen(function* () {
        const first = yield* Stream.runCollect(Stream.take(stage(chunked(compress(text), 100), file), 1))
        assert.strictEqual(first.length, 1)
      })
    )
  })
}

describe("magic numbers", () => {
  it("tell what is compressed, and how", () => {
    assert.isTrue(isGzip(gzipSync("x")))
    assert.isTrue(isZstd(zstdCompressSync("x")))
    for (const bytes of [bytesOf("{}"), new Uint8Array(0), bytesOf("(x"), bytesOf("Q*")]) {
      assert.isFalse(isGzip(bytes))
      assert.isFalse(isZstd(bytes))
    }
  })
})

describe("padding", () => {
  it.effect("of zeros after gzip is ignored, other data or a member behind it is not", () =>
    Effect.gen(function* () {
      const read = (bytes: Uint8Array, chunkBytes: number) =>
        Effect.map(Stream.runCollect(gunzip(chunked(bytes, chunkBytes), "t.gz")), (parts) =>
          Buffer.concat(parts).toString()
        )
      const member = gzipSync("one\n")
      for (const zeros of [1, 100, 512 * 40]) {
        for (const chunkBytes of [member.length, 50, 1 << 20]) {
          const padded = Buffer.concat([member, Buffer.alloc(zeros)])
          assert.strictEqual(yield* read(padded, chunkBytes), "one\n")
          const hidden = yield* Effect.flip(read(Buffer.concat([padded, member]), chunkBytes))
          assert.include(hidden.message, "other data follows its end")
        }
      }
    })
  )

  it.effect("of frames to be skipped is part of Zstandard", () =>
    Effect.gen(function* () {
      const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
      const bytes = Buffer.concat([
        skippable,
        zstdCompressSync("one\n"),
        skippable,
        zstdCompressSync("two\n"),
        skippable
      ])
      for (const chunkBytes of [3, 20, 1000]) {
        const parts = yield* Stream.runCollect(unzstd(chunked(bytes, chunkBytes), "t.zst"))
        assert.strictEqual(Buffer.concat(parts).toString(), "one\ntwo\n", String(chunkBytes))
      }
    })
  )
})
