/**
 * One setting, and tables of them. A table is the single source of what a component can be told: the types of its options, their
 * defaults and ranges, their names in JSON and YAML, the JSON Schema and the help are all derived from it.
 *
 * A field `numGpuBlocks` is written `num_gpu_blocks`, unless it names its key.
 */
import type { JsonSchema, Kind } from "./Kind.ts"

interface More<Tag extends string> {
  /** How it is written, where that is not the field's name in snake case. */
  readonly key?: string
  /** What must be the case for it to make a difference; the table's owner knows what that means. */
  readonly needs?: Tag
}

export interface Setting<A, Tag extends string = string> extends More<Tag> {
  readonly _tag: "Setting"
  readonly kind: Kind<A>
  /** When it is left out. */
  readonly absent: A
  /** What null says: nothing (it is refused), the same as leaving the key out, or a value of its own. */
  readonly onNull: "Refused" | "Absent" | { readonly value: A }
  readonly doc: string
}

/** Settings of their own under one key; with a `prefix` they are written flat, each key with the prefix before it. */
export interface Group<out T extends Table, Tag extends string = string> extends More<Tag> {
  readonly _tag: "Group"
  readonly table: T
  readonly prefix?: string
  readonly doc: string
}

/** By field, in the order in which they are listed. */
export interface Table<Tag extends string = string> {
  readonly [field: string]: Setting<unknown, Tag> | Group<Table<Tag>, Tag>
}

/** Complete settings. */
export type Values<T extends Table> = {
  readonly [Field in keyof T]: T[Field] extends Group<infer Inner>
    ? Values<Inner>
    : T[Field] extends Setting<infer A>
      ? A
      : never
}

/** Settings as given: what is left out, or undefined, has its default. */
export type Given<T extends Table> = {
  readonly [Field in keyof T]?:
    | (T[Field] extends Group<infer Inner> ? Given<Inner> : T[Field] extends Setting<infer A> ? A : never)
    | undefined
}

/** A setting that has a value in any case and cannot be null. */
export const setting = <A, const Tag extends string = never>(
  kind: Kind<A>,
  absent: NoInfer<A>,
  doc: string,
  more?: More<Tag>
): Setting<A, Tag> => ({ _tag: "Setting", kind, absent, onNull: "Refused", doc, ...more })

/** A setting for which null says the same as leaving it out. */
export const optional = <A, B extends A | undefined, const Tag extends string = never>(
  kind: Kind<A>,
  absent: B,
  doc: string,
  more?: More<Tag>
): Setting<A | B, Tag> => ({ _tag: "Setting", kind, absent, onNull: "Absent", doc, ...more })

/** A setting for which null has a meaning of its own, such as "no limit". */
export const nullable = <A, B, const Tag extends string = never>(
  kind: Kind<A>,
  absent: A | B,
  whenNull: B,
  doc: string,
  more?: More<Tag>
): Setting<A | B, Tag> => ({ _tag: "Setting", kind, absent, onNull: { value: whenNull }, doc, ...more })

export const group = <const T extends Table, const Tag extends string = never>(
  table: T,
  doc: string,
  more?: More<Tag> & { readonly prefix?: string }
): Group<T, Tag> => ({ _tag: "Group", table, doc, ...more })

/** `numGpuBlocks` -> `num_gpu_blocks`. */
export const snakeCase = (field: string): string => field.replaceAll(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`)

/** How a field is written. */
export const keyOf = (field: string, { key }: Setting<unknown> | Group<Table>): string => key ?? snakeCase(field)

/** A key of a table: the setting, and the fields from the outside in under which its value is kept. */
export interface Entry {
  readonly fields: readonly [field: string] | readonly [group: string, field: string]
  readonly setting: Setting<unknown> | Group<Table>
}

/** All keys of a table, those of its flat groups among them. */
export const entriesOf = (table: Table): ReadonlyMap<string, Entry> => {
  const entries = new Map<string, Entry>()
  for (const [field, setting] of Object.entries(table)) {
    if (setting._tag === "Setting" || setting.prefix === undefined) {
      entries.set(keyOf(field, setting), { fields: [field], setting })
      continue
    }
    for (const [inner, innerSetting] of Object.entries(setting.table)) {
      entries.set(setting.prefix + keyOf(inner, innerSetting), { fields: [field, inner], setting: innerSetting })
    }
  }
  return entries
}

const orNull = (schema: JsonSchema): JsonSchema =>
  Object.keys(schema).length === 0 ? schema : { anyOf: [schema, { type: "null" }] }

const settingSchema = (setting: Setting<unknown> | Group<Table>): JsonSchema => {
  if (setting._tag === "Group") return { description: setting.doc, ...orNull(tableSchema(setting.table)) }
  const { absent, doc, kind, onNull } = setting
  const isShown =
    ["number", "boolean", "string"].includes(typeof absent) && Number.isFinite(absent) === (typeof absent === "number")
  return {
    description: doc,
    ...(onNull === "Refused" ? kind.schema : orNull(kind.schema)),
    ...(isShown ? { default: absent } : {})
  }
}

/** JSON Schema of objects with the keys of a table, and no others. */
export const tableSchema = (table: Table): JsonSchema => ({
  type: "object",
  additionalProperties: false,
  properties: Object.fromEntries([...entriesOf(table)].map(([key, { setting }]) => [key, settingSchema(setting)]))
})
