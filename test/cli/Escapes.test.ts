/** Terminal escapes in inputs reach nobody's terminal, whichever command reads them. */
import { assert, describe, it } from "@effect/vitest"
import { programIn } from "./Program.ts"

const escape = "\u001b]0;owned\u0007\u001b[2J\u009b31m"
const row = (fields: object): string =>
  JSON.stringify({ timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1], ...fields })

const harmless = (text: string): void => assert.notMatch(text.replaceAll("\n", ""), /\p{Cc}/u)

describe("terminal escapes", () => {
  const cases: ReadonlyArray<readonly [what: string, content: string, argv: ReadonlyArray<string>]> = [
    ["a session", row({ session_id: escape, delay: 5 }), ["replay", "t.jsonl"]],
    ["a session, validated", row({ session_id: escape, delay: 5 }), ["trace", "validate", "t.jsonl"]],
    [
      "a request id",
      row({ request_id: escape, wait_for: [escape] }),
      ["trace", "validate", "--trace-format", "agentic_mooncake", "t.jsonl"]
    ],
    ["a value", row({ input_length: escape }), ["replay", "t.jsonl"]],
    ["a line that is no JSON", `{"a": ${escape}`, ["replay", "t.jsonl"]],
    [
      "a session that cannot start, inspected",
      `${row({ session_id: `a${escape}`, timestamp: null })}`,
      ["trace", "inspect", "t.jsonl"]
    ],
    ["the name of a file", row({}), ["replay", `${escape}.jsonl`]]
  ]
  for (const [what, content, argv] of cases) {
    it.effect(`in ${what} are spelled out`, () =>
      programIn({ "t.jsonl": `${content}\n` }, argv, ({ stderr, stdout }) => {
        harmless(stderr)
        harmless(stdout)
        assert.include(`${stderr}${stdout}`, String.raw`\u001b`)
      })
    )
  }
})
