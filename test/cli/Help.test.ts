/** Help that fits a terminal, and scripts by which shells complete files. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { replayFlags } from "../../src/config/ReplayFlags.ts"
import { commandFlags } from "../../src/cli/CommandFlags.ts"
import { helpTopics } from "../../src/cli/HelpTopics.ts"
import { Folder, program } from "./Program.ts"

const textOf = (...words: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.map(program(words), ({ exit, stderr, stdout }) => {
    assert.strictEqual(exit, 0, stderr)
    return stdout
  })

const flagsIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name = ""]) => name)

describe("help", () => {
  it("has every flag of a replay under one topic", () => {
    const named = helpTopics.flatMap(({ common, more }) => [...common, ...more])
    assert.deepStrictEqual(named.toSorted(), Object.keys(replayFlags).toSorted())
  })

  it.effect("shows the common flags of a replay, and all of them when asked", () =>
    Effect.gen(function* () {
      const common = flagsIn(yield* textOf("replay", "--help"))
      const all = flagsIn(yield* textOf("replay", "--help-all"))
      assert.includeMembers([...common], ["num-workers", "router-mode", "html"])
      assert.notInclude(common, "aic-nextn-accept-rates")
      assert.includeMembers([...all], Object.keys(replayFlags))
      assert.match(
        yield* textOf("replay", "--help"),
        new RegExp(`${all.length - common.length} more flags.*--help-all`)
      )
    })
  )

  it.effect("stays within 100 columns, in every command", () =>
    Effect.gen(function* () {
      for (const command of ["", ...commandFlags.keys(), "aic list", "aic compare", "aic import"]) {
        const words = command.split(" ").filter((word) => word !== "")
        const text = yield* textOf(...words, "--help-all")
        assert.deepStrictEqual(
          text.split("\n").filter((line) => line.length > 100),
          [],
          command
        )
        const table = yield* Effect.promise(async () => (await commandFlags.get(command)?.()) ?? {})
        assert.includeMembers([...flagsIn(text)], Object.keys(table), command)
      }
    })
  )
})

describe("completions", () => {
  const completed = (script: string, ...words: ReadonlyArray<string>): ReadonlyArray<string> =>
    execFileSync(
      "bash",
      [
        "-c",
        `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
_dynosim dynosim "\${@: -1}" "\${@: -2:1}"; printf '%s\\n' "\${COMPREPLY[@]}"`,
        "bash",
        "dynosim",
        ...words
      ],
      { encoding: "utf8" }
    )
      .trim()
      .split("\n")

  it.live("complete files where files are meant", () =>
    Effect.gen(function* () {
      const script = yield* textOf("--completions", "bash")
      yield* Effect.acquireUseRelease(
        Effect.sync(() => new Folder({ "plan.yaml": "", "planets.jsonl": "" })),
        () =>
          Effect.sync(() => {
            for (const words of [
              ["replay", "plan"],
              ["replay", "--config", "plan"],
              ["sweep", "plan"],
              ["compare", "plan"]
            ]) {
              assert.deepStrictEqual(completed(script, ...words), ["plan.yaml", "planets.jsonl"], words.join(" "))
            }
            assert.deepStrictEqual(completed(script, "replay", "--router-mode", "k"), ["kv_router"])
          }),
        (folder) => Effect.sync(() => folder.leave())
      )
    })
  )
})
