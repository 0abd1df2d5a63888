/**
 * YAML text -> {@link JsonNode}. YAML 1.2 core schema, one document; keys are strings, duplicates refused, aliases
 * followed.
 */
import * as Result from "effect/Result"
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument
} from "yaml"
import { ConfigError, configError, type ConfigSource } from "./ConfigError.ts"
import { emptyObject, type JsonEntry, type JsonNode, numberNode, type Position } from "./JsonNode.ts"

/** Aliases multiply: a small file may stand for an enormous tree. */
const mostNodes = 100_000
/** Mappings and lists inside each other; settings need a handful. */
const mostLevels = 100
const tooDeep = `nested more than ${mostLevels} levels deep`

class TreeReader {
  private readonly source: ConfigSource
  private readonly document: Document.Parsed
  private readonly lines: LineCounter
  private nodes = 0
  /** Values that are being read: one that comes up again contains itself. */
  private readonly open = new Set<Node | ParsedNode>()

  constructor(source: ConfigSource, document: Document.Parsed, lines: LineCounter) {
    this.source = source
    this.document = document
    this.lines = lines
  }

  /** Throws {@link ConfigError}. */
  read(node: Node | ParsedNode | null, from: Position): JsonNode {
    if (node === null) return { _tag: "Null", at: from }
    const at = this.positionOf(node.range?.[0]) ?? from
    if (++this.nodes > mostNodes) throw this.error(from, `the file stands for more than ${mostNodes} values`)
    if (this.open.has(node)) throw this.error(from, "an alias stands for a value that contains it")
    if (this.open.size > mostLevels) throw this.error(at, tooDeep)
    this.open.add(node)
    const tree = this.readNode(node, at)
    this.open.delete(node)
    return tree
  }

  private readNode(node: Node | ParsedNode, at: Position): JsonNode {
    if (isAlias(node)) {
      const target = node.resolve(this.document)
      if (target === undefined) throw this.error(at, `nothing is anchored as *${node.source}`)
      return this.read(target, at)
    }
    if (isScalar(node)) return this.scalar(node.value, node.source, at)
    if (isSeq<Node>(node)) return { _tag: "Array", at, items: node.items.map((item) => this.read(item, at)) }
    if (isMap<Node, Node | null>(node)) {
      const entries = new Map<string, JsonEntry>()
      for (const { key, value } of node.items) {
        const keyAt = this.positionOf(key.range?.[0]) ?? at
        if (!isScalar(key) || typeof key.value !== "string") throw this.error(keyAt, "keys must be plain names")
        entries.set(key.value, { keyAt, value: this.read(value, keyAt) })
      }
      return { _tag: "Object", at, entries }
    }
    throw this.error(at, "expected a value, a list or a mapping")
  }

  private scalar(value: unknown, spelled: string | undefined, at: Position): JsonNode {
    if (value === null) return { _tag: "Null", at }
    if (typeof value === "boolean") return { _tag: "Boolean", value, at }
    if (typeof value === "string") return { _tag: "String", value, at }
    if (typeof value !== "number") throw this.error(at, `unsupported value ${spelled ?? ""}`)
    const literal = spelled ?? String(value)
    if (/^0[xo]/.test(literal)) return { _tag: "Integer", value: BigInt(literal), at }
    // What is no decimal number is .nan or .inf.
    return numberNode(literal, at) ?? { _tag: "Float", value, literal, at }
  }

  private positionOf(offset: number | undefined): Position | undefined {
    if (offset === undefined) return undefined
    const { col, line } = this.lines.linePos(offset)
    return { line, column: col }
  }

  private error(at: Position, problem: string): ConfigError {
    return configError(this.source, "", at, problem)
  }
}

/** Reads one YAML document; an empty one is an empty mapping. */
export const parseYaml = (source: ConfigSource, text: string): Result.Result<JsonNode, ConfigError> => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { col, line } = lines.linePos(error.pos[0])
    // The parser follows nesting by calling itself, until it cannot.
    const problem = error.code === "RESOURCE_EXHAUSTION" ? tooDeep : error.message
    return Result.fail(configError(source, "", { line, column: col }, `not YAML: ${problem}`))
  }
  if (document.contents === null) return Result.succeed(emptyObject)
  const { contents } = document
  try {
    return Result.succeed(new TreeReader(source, document, lines).read(contents, emptyObject.at))
  } catch (error) {
    if (error instanceof ConfigError) return Result.fail(error)
    throw error
  }
}
