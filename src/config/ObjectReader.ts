/**
 * Reads the settings of one JSON object, key by key, and keeps what is wrong with them.
 *
 * A key that is wrong reads as absent, so reading always goes through; {@link ObjectReader.problem} then gives the problem that
 * stands first in the text, unknown keys included.
 */
import { closestName } from "./ClosestName.ts"
import { type ConfigError, configError, type ConfigSource } from "./ConfigError.ts"
import type { JsonSchema, Kind } from "./JsonKind.ts"
import { emptyObject, type JsonEntry, type JsonNode, type JsonObject, showNode } from "./JsonNode.ts"

const orNull = (schema: JsonSchema): JsonSchema =>
  Object.keys(schema).length === 0 ? schema : { anyOf: [schema, { type: "null" }] }

export class ObjectReader {
  private readonly object: JsonObject
  private readonly source: ConfigSource
  private readonly path: string
  /** What was asked for, by key. */
  private readonly known = new Map<string, JsonSchema>()
  private readonly problems: Array<ConfigError> = []
  private readonly nested = new Map<string, ObjectReader>()

  /** `path` is where the object stands in its source, empty for the whole of it. */
  constructor(node: JsonNode, source: ConfigSource, path: string) {
    this.source = source
    this.path = path
    this.object = node._tag === "Object" ? node : emptyObject
    if (node._tag !== "Object") {
      this.problems.push(configError(source, path, node.at, `expected an object with settings, got ${showNode(node)}`))
    }
  }

  /** A key that may be absent but not null. */
  value<A, B extends A | undefined>(key: string, kind: Kind<A>, absent: B): A | B {
    const entry = this.take(key, kind.schema)
    if (entry === undefined) return absent
    if (entry.value._tag === "Null") {
      this.refuse(key, entry, `must not be null: expected ${kind.expected}, or leave the key out`)
      return absent
    }
    return this.read(key, entry, kind) ?? absent
  }

  /** A key for which null says the same as leaving it out. */
  optional<A>(key: string, kind: Kind<A>): A | undefined {
    const entry = this.take(key, orNull(kind.schema))
    return entry === undefined || entry.value._tag === "Null" ? undefined : this.read(key, entry, kind)
  }

  /** A key for which null has a meaning of its own. */
  nullable<A, B>(key: string, kind: Kind<A>, absent: A | B, whenNull: B): A | B {
    const entry = this.take(key, orNull(kind.schema))
    if (entry === undefined) return absent
    return entry.value._tag === "Null" ? whenNull : (this.read(key, entry, kind) ?? absent)
  }

  /** A nested object; an empty one when the key is absent or null. */
  nestedObject(key: string): ObjectReader {
    const entry = this.take(key, {})
    const node = entry === undefined || entry.value._tag === "Null" ? emptyObject : entry.value
    const reader = new ObjectReader(node, this.source, this.pathOf(key))
    this.nested.set(key, reader)
    return reader
  }

  /** Whether the key is there and not null. */
  has(key: string): boolean {
    const node = this.object.entries.get(key)?.value
    return node !== undefined && node._tag !== "Null"
  }

  /** Keys that are there and not null, in the order written. */
  keys(): ReadonlyArray<string> {
    return [...this.object.entries.keys()].filter((key) => this.has(key))
  }

  /** A problem with the value of `key`, for checks that the caller makes. */
  error(key: string, problem: string, hint?: string): ConfigError {
    const at = this.object.entries.get(key)?.value.at ?? this.object.at
    return configError(this.source, this.pathOf(key), at, problem, hint)
  }

  /** The first problem in the text; `undefined` when every key was known and well formed. Call it after all reads. */
  problem(): ConfigError | undefined {
    let first: ConfigError | undefined
    for (const problem of this.allProblems()) {
      const earlier =
        first === undefined
        || problem.line < first.line
        || (problem.line === first.line && problem.column < first.column)
      if (earlier) first = problem
    }
    return first
  }

  /** Of objects with all keys that were asked for, and no others. Call it after all reads. */
  jsonSchema(): JsonSchema {
    const properties = [...this.known].map(([key, schema]) => {
      const nested = this.nested.get(key)
      return [key, nested === undefined ? schema : orNull(nested.jsonSchema())]
    })
    return { type: "object", additionalProperties: false, properties: Object.fromEntries(properties) }
  }

  private allProblems(): ReadonlyArray<ConfigError> {
    const unknown = [...this.object.entries].filter(([key]) => !this.known.has(key))
    return [
      ...this.problems,
      ...unknown.map(([key, entry]) => this.unknownKey(key, entry)),
      ...[...this.nested.values()].flatMap((reader) => reader.allProblems())
    ]
  }

  private unknownKey(key: string, entry: JsonEntry): ConfigError {
    const close = closestName(key, this.known.keys())
    const accepted = `accepted keys: ${[...this.known.keys()].join(", ")}`
    return configError(
      this.source,
      this.pathOf(key),
      entry.keyAt,
      "unknown key",
      close === undefined ? accepted : `did you mean ${close}? ${accepted}`
    )
  }

  private take(key: string, schema: JsonSchema): JsonEntry | undefined {
    this.known.set(key, schema)
    return this.object.entries.get(key)
  }

  private read<A>(key: string, entry: JsonEntry, kind: Kind<A>): A | undefined {
    const value = kind.read(entry.value)
    if (value === undefined) this.refuse(key, entry, `expected ${kind.expected}, got ${showNode(entry.value)}`)
    return value
  }

  private refuse(key: string, entry: JsonEntry, problem: string): void {
    this.problems.push(configError(this.source, this.pathOf(key), entry.value.at, problem))
  }

  private pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`
  }
}
