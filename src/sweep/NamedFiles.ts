/** The files that the runs of a plan may read, as far as its text tells: nothing is known yet of which runs there will be. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import type { InputFile } from "../run/InputFiles.ts"
import type { JsonNode } from "../settings/JsonNode.ts"
import * as StrictJson from "../settings/StrictJson.ts"
import type { Plan } from "./Plan.ts"

/** All words of a tree; those that are JSON themselves (`extra-engine-args: '{...}'`) give the words inside. */
const wordsOf = (node: JsonNode): ReadonlyArray<string> => {
  switch (node._tag) {
    case "String": {
      const inside = /^\s*[{[]/.test(node.value) ? StrictJson.parse(node.value) : undefined
      return inside !== undefined && Result.isSuccess(inside) ? wordsOf(inside.success) : [node.value]
    }
    case "Array":
      return node.items.flatMap(wordsOf)
    case "Object":
      return [...node.entries.values()].flatMap(({ value }) => wordsOf(value))
    default:
      return []
  }
}

/** Every file that exists under a name in the plan's base and on its axes: traces, profiles, policies, schedules, bundles. */
export const filesNamedIn = Effect.fnUntraced(function* ({
  axes,
  base
}: Plan): Effect.fn.Return<ReadonlyArray<InputFile>, never, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const isFile = (path: string) =>
    Effect.match(files.stat(path), { onFailure: () => false, onSuccess: ({ type }) => type === "File" })
  const words = new Set([base, ...axes.flatMap(({ values }) => values)].flatMap(wordsOf))
  const named = yield* Effect.filter([...words], isFile)
  return named.map((path) => ({ what: "the input", path }))
})
