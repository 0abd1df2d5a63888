/**
 * The text of a report file: what Python's `json.dumps(report, indent=2, sort_keys=True)` gives, and a final newline.
 */
import type { Json } from "effect/Schema"
import { pythonFloat } from "./FloatText.ts"
import { countKeys, type Report } from "./Report.ts"

/** The report as the reference writes it: keys sorted, indented by two, floats as Python prints them, a line break at the end. */
export const reportJson = (report: Report): string => {
  const lines = sortedEntries(report).map(
    ([key, value]) =>
      `  ${asciiString(key)}: ${typeof value === "number" && !countKeys.has(key) ? pythonFloat(value) : jsonText(value, "  ")}`
  )
  return `{\n${lines.join(",\n")}\n}\n`
}

/**
 * A JSON value as Python prints it. JavaScript does not tell 1.0 from 1, so whole numbers are integers here; numbers
 * that JSON cannot hold become `null`.
 */
const jsonText = (value: Json, indent: string): string => {
  if (typeof value === "string") return asciiString(value)
  if (typeof value === "number") return numberText(value)
  if (value === null || typeof value === "boolean") return String(value)
  const inner = `${indent}  `
  if (isArray(value))
    return block(
      "[",
      value.map((item) => jsonText(item, inner)),
      "]",
      indent
    )
  const entries = sortedEntries(value).map(([key, item]) => `${asciiString(key)}: ${jsonText(item, inner)}`)
  return block("{", entries, "}", indent)
}

/** `Array.isArray` does not narrow readonly arrays. */
const isArray = (value: Json): value is ReadonlyArray<Json> & Json => Array.isArray(value)

const block = (open: string, items: ReadonlyArray<string>, close: string, indent: string): string =>
  items.length === 0
    ? open + close
    : `${open}\n${items.map((item) => `${indent}  ${item}`).join(",\n")}\n${indent}${close}`

const numberText = (value: number): string => {
  if (!Number.isFinite(value)) return "null"
  return Number.isSafeInteger(value) ? String(value) : pythonFloat(value)
}

/** Entries in the order of their keys' code points; keys without a value are left out. */
const sortedEntries = (object: { readonly [key: string]: Json | undefined }): Array<readonly [string, Json]> => {
  const entries: Array<readonly [string, Json]> = []
  for (const [key, value] of Object.entries(object)) if (value !== undefined) entries.push([key, value])
  return entries.toSorted(([a], [b]) => compareCodePoints(a, b))
}

const compareCodePoints = (a: string, b: string): number => {
  let index = 0
  while (index < a.length && index < b.length) {
    const left = a.codePointAt(index) ?? 0
    const right = b.codePointAt(index) ?? 0
    if (left !== right) return left - right
    index += left > 0xffff ? 2 : 1
  }
  return a.length - b.length
}

/** A string literal with everything outside printable ASCII escaped. */
const asciiString = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
