/**
 * Holds plain values against a table of settings: what was written (by key), what a program gives (by field), and what a component is
 * built from (complete). The first problem in the order of the values wins, unknown keys included.
 */
import * as Result from "effect/Result"
import { closestName } from "./ClosestName.ts"
import { showValue } from "./Decimal.ts"
import {
  type Entry,
  entriesOf,
  type Given,
  keyOf,
  type Setting,
  snakeCase,
  type Table,
  type Values
} from "./Setting.ts"
import { SettingsError, settingsError } from "./SettingsError.ts"

/** Plain values by name, in the order written; a `Map`, because an object sorts names that look like numbers. */
export type Plain = ReadonlyMap<string, unknown>

type Path = ReadonlyArray<string>

/** The value of a setting; a problem for one that it does not accept. */
export const decodeValue = <A>(setting: Setting<A>, value: unknown, path: string): Result.Result<A, SettingsError> => {
  const { kind, onNull } = setting
  if (value === null) {
    if (onNull === "Refused") {
      return Result.fail(settingsError(path, `must not be null: expected ${kind.expected}, or leave the key out`))
    }
    return Result.succeed(onNull === "Absent" ? setting.absent : onNull.value)
  }
  if (typeof onNull === "object" && value === onNull.value) return Result.succeed(onNull.value)
  const read = kind.read(value)
  if (read !== undefined) return Result.succeed(read)
  const close = kind.names === undefined || typeof value !== "string" ? undefined : closestName(value, kind.names)
  return Result.fail(
    settingsError(
      path,
      kind.explain?.(value) ?? `expected ${kind.expected}, got ${showValue(value)}`,
      close === undefined ? undefined : `did you mean ${JSON.stringify(close)}?`
    )
  )
}

/** What users may call a setting who know it from elsewhere: its name there, and what to do here. */
export type ForeignNames = ReadonlyMap<string, string>

const noForeignNames: ForeignNames = new Map()

const unknownKey = (path: Path, key: string, known: Iterable<string>, foreign: ForeignNames): SettingsError => {
  const keys = [...known]
  const remedy = path.length === 0 ? foreign.get(key.replaceAll("-", "_").replace(/^_+/, "")) : undefined
  if (remedy !== undefined)
    return new SettingsError({ path: [key], aboutKey: true, problem: "unknown key", hint: remedy })
  const close = closestName(key, keys)
  const accepted = `accepted keys: ${keys.join(", ")}`
  return new SettingsError({
    path: [...path, key],
    aboutKey: true,
    problem: "unknown key",
    hint: close === undefined ? accepted : `did you mean ${close}? ${accepted}`
  })
}

/** Values by field; those of groups are maps of their own. */
type Fields = Map<string, unknown>

const place = (found: Fields, [first, second]: Entry["fields"], value: unknown): void => {
  if (second === undefined) {
    found.set(first, value)
    return
  }
  const inner = found.get(first)
  if (inner instanceof Map) inner.set(second, value)
  else found.set(first, new Map([[second, value]]))
}

/**
 * Maps become objects. They were filled by walking a table, and the type of what comes out is derived from that table: the one place
 * where the compiler has to take that on trust.
 */
const toObject = (fields: Fields) =>
  Object.fromEntries(
    [...fields].map(([field, value]): ReadonlyArray<unknown> => [field, value instanceof Map ? toObject(value) : value])
  )

const decodeTable = (
  table: Table,
  plain: unknown,
  path: Path,
  foreign: ForeignNames = noForeignNames
): Result.Result<Fields, SettingsError> => {
  if (!(plain instanceof Map)) {
    return Result.fail(settingsError(path.join("."), `expected an object with settings, got ${showValue(plain)}`))
  }
  const entries = entriesOf(table)
  const found: Fields = new Map()
  for (const [key, value] of plain) {
    const entry = entries.get(key)
    if (entry === undefined) return Result.fail(unknownKey(path, key, entries.keys(), foreign))
    const { fields, setting } = entry
    if (value === null && (setting._tag === "Group" || setting.onNull === "Absent")) continue
    const inner = [...path, key]
    const decoded: Result.Result<unknown, SettingsError> =
      setting._tag === "Group" ? decodeTable(setting.table, value, inner) : decodeValue(setting, value, inner.join("."))
    if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
    place(found, fields, decoded.success)
  }
  return Result.succeed(found)
}

/** Reads what was written: values by key, objects as maps. */
export const decode = <const T extends Table>(
  table: T,
  plain: Plain,
  foreign?: ForeignNames
): Result.Result<Given<T>, SettingsError> =>
  Result.map(decodeTable(table, plain, [], foreign), (fields) => toObject(fields))

/** Values by field -> values by key, as they would be written; undefined ones are left out. */
const encode = (table: Table, given: object): Plain => {
  const plain = new Map<string, unknown>()
  for (const [field, value] of Object.entries(given)) {
    if (value === undefined) continue
    const setting = table[field]
    if (setting?._tag !== "Group" || typeof value !== "object" || value === null) {
      plain.set(setting === undefined ? snakeCase(field) : keyOf(field, setting), value)
      continue
    }
    const inner = encode(setting.table, value)
    if (setting.prefix === undefined) plain.set(keyOf(field, setting), inner)
    else for (const [key, innerValue] of inner) plain.set(setting.prefix + key, innerValue)
  }
  return plain
}

/** Checks what a program gives: values by field. */
export const check = <const T extends Table>(table: T, given: Given<T>): Result.Result<Given<T>, SettingsError> =>
  decode(table, encode(table, given))

/** Given settings with the table's defaults for the others. */
export const complete = <const T extends Table>(table: T, given: Given<T>): Values<T> =>
  toObject(completeFields(table, given))

const completeFields = (table: Table, given: Given<Table>): Fields =>
  new Map(
    Object.entries(table).map(([field, setting]) => {
      const value = given[field]
      if (setting._tag === "Group") return [field, completeFields(setting.table, isObject(value) ? value : {})]
      return [field, value === undefined ? setting.absent : value]
    })
  )

const isObject = (value: unknown): value is Given<Table> => typeof value === "object" && value !== null

/** What is wrong with complete settings, such as those that a component is built from; other fields are not looked at. */
export const problemOf = (table: Table, values: object): SettingsError | undefined => {
  const own = Object.fromEntries(Object.entries(values).filter(([field]) => Object.hasOwn(table, field)))
  const decoded = decodeTable(table, encode(table, own), [])
  return Result.isFailure(decoded) ? decoded.failure : undefined
}

/** Keys under which something other than null was written, in the order written. */
export const writtenKeys = (plain: Plain): ReadonlyArray<string> =>
  [...plain].filter(([, value]) => value !== null).map(([key]) => key)
