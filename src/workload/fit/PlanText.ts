/** A workload as the text of its file: YAML with its tables in one line each, or JSON. */
import { keyOf, type Setting, snakeCase, type Table } from "../../settings/Setting.ts"
import type { ClassPlan, WorkloadPlan } from "../classes/WorkloadPlan.ts"
import { classSettings, planSettings } from "../classes/WorkloadPlan.ts"

type Written = Readonly<Record<string, unknown>>

const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  if ("distribution" in value) return distribution(value)
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [snakeCase(field), plain(inner)]))
}

/** `lognormal:2000,0.8`, as it is read. */
const distribution = ({ distribution: name, ...numbers }: { readonly distribution: unknown }): string =>
  `${String(name)}:${Object.values(numbers).join(",")}`

/** The settings of a table that say something, by key. */
const written = (table: Table, values: object): Written => {
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(values))
  const entries = Object.entries(table).flatMap(([field, setting]): ReadonlyArray<readonly [string, unknown]> => {
    const value = given.get(field)
    return value === undefined || (isSetting(setting) && value === setting.absent)
      ? []
      : [[keyOf(field, setting), plain(value)]]
  })
  return Object.fromEntries(entries)
}

const isSetting = (setting: Table[string]): setting is Setting<unknown> => setting._tag === "Setting"

const writtenClass = (of: ClassPlan): Written => written(classSettings, of)

/** Keys that JSON writes in quotes although YAML would not need them. */
const key = (name: string): string => (/^[a-z_][\w-]*$/i.test(name) ? name : JSON.stringify(name))

const yamlLines = (values: Written, indent: string): ReadonlyArray<string> =>
  Object.entries(values).map(([name, value]) => `${indent}${key(name)}: ${spaced(JSON.stringify(value))}`)

/** JSON with a space after commas and colons, which YAML needs after colons. */
const spaced = (json: string): string =>
  json.replaceAll(/("(?:[^"\\]|\\.)*")|([,:])/g, (match, text) => (text === undefined ? `${match} ` : text))

/** The plan as a workload file of YAML. */
export const planYaml = (plan: WorkloadPlan): string => {
  const { classes, ...root } = plan
  return [
    ...yamlLines(written(planSettings, root), ""),
    "classes:",
    ...classes.flatMap((each) => [`  ${key(each.name)}:`, ...yamlLines(writtenClass(each), "    ")]),
    ""
  ].join("\n")
}

/** The plan as a workload file of JSON. */
export const planJson = (plan: WorkloadPlan): string => {
  const { classes, ...root } = plan
  const byName = Object.fromEntries(classes.map((each) => [each.name, writtenClass(each)]))
  return `${JSON.stringify({ ...written(planSettings, root), classes: byName }, undefined, 2)}\n`
}
