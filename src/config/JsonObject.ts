/** The kind of options that are JSON objects. */
import type { Kind } from "../settings/Kind.ts"
import type { JsonSetting } from "./JsonSetting.ts"

/** An option that is a JSON object: read where its content is known. */
export const jsonObject: Kind<JsonSetting> = {
  expected: "a JSON object",
  form: "json",
  schema: { type: "object" },
  read: (value) => (isJsonSetting(value) ? value : undefined)
}

const isJsonSetting = (value: unknown): value is JsonSetting =>
  typeof value === "object" && value !== null && "_tag" in value && (value._tag === "Text" || value._tag === "Node")
