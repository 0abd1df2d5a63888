/** `dynosim record` and what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { program } from "./Program.ts"

describe("dynosim record", () => {
  const refused: ReadonlyArray<readonly [words: string, message: RegExp]> = [
    ["x.jsonl --upstream http://example.org", /^error: --upstream: example\.org is another machine/],
    ["x.jsonl --upstream https://127.0.0.1:1", /^error: --upstream: expected http:\/\/HOST:PORT and no more/],
    ["x.jsonl --upstream http://127.0.0.1:1/v1", /^error: --upstream: expected http:\/\/HOST:PORT and no more/],
    ["x.jsonl --upstream nix", /^error: --upstream: expected a URL such as/],
    ["x.jsonl --host 0.0.0.0", /^error: --host: 0\.0\.0\.0 may be reached from other machines/],
    ["x.jsonl --trace-block-size 0", /^error: --trace-block-size: expected an integer from 1/],
    ["x.jsonl --sessions often", /^error: --sessions: expected one of prefix, none/],
    ["x.jsonl --measured x.jsonl", /^error: --measured: x\.jsonl is also the OUT output/],
    ["/tmp", /^error: (OUT|\/tmp): /],
    ["", /^error: OUT: is missing; see dynosim record --help$/]
  ]
  for (const [words, message] of refused) {
    it.effect(`refuses ${words === "" ? "no file" : words}`, () =>
      Effect.gen(function* () {
        const { exit, stderr } = yield* program(["record", ...words.split(" ").filter((word) => word !== "")])
        assert.strictEqual(exit, 2)
        assert.match(stderr, message)
        assert.strictEqual(stderr.trim().split("\n").length, 1)
      })
    )
  }
})
