/**
 * YAML text -> {@link JsonNode}. YAML 1.2 core schema, one document; keys are strings (numbers and booleans count as their text),
 * duplicates refused, aliases followed.
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
import { emptyObject, type JsonEntry, type JsonNode, numberNode, type Position } from "./JsonNode.ts"
import { TextSyntaxError } from "./SettingsError.ts"

/** Aliases multiply: a small file may stand for an enormous tree. */
const mostNodes = 100_000
/** Mappings and lists inside each other; settings need a handful. */
const mostLevels = 100
const tooDeep = `nested more than ${mostLevels} levels deep`

class TreeReader {
  private readonly document: Document.Parsed
  private readonly lines: LineCounter
  private nodes = 0
  /** Values that are being read: one that comes up again contains itself. */
  private readonly open = new Set<Node | ParsedNode>()

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.document = document
    this.lines = lines
  }

  /** Throws {@link TextSyntaxError}. */
  read(node: Node | ParsedNode | null, from: Position): JsonNode {
    if (node === null) return { _tag: "Null", at: from }
    const at = this.positionOf(node.range?.[0]) ?? from
    if (++this.nodes > mostNodes) throw yamlError(from, `the file stands for more than ${mostNodes} values`)
    if (this.open.has(node)) throw yamlError(from, "an alias stands for a value that contains it")
    if (this.open.size > mostLevels) throw yamlError(at, tooDeep)
    this.open.add(node)
    const tree = this.readNode(node, at)
    this.open.delete(node)
    return tree
  }

  private readNode(node: Node | ParsedNode, at: Position): JsonNode {
    if (isAlias(node)) {
      const target = node.resolve(this.document)
      if (target === undefined) throw yamlError(at, `nothing is anchored as *${node.source}`)
      return this.read(target, at)
    }
    if (isScalar(node)) return this.scalar(node.value, node.source, at)
    if (isSeq<Node>(node)) return { _tag: "Array", at, items: node.items.map((item) => this.read(item, at)) }
    if (isMap<Node, Node | null>(node)) {
      const entries = new Map<string, JsonEntry>()
      for (const { key, value } of node.items) {
        const keyAt = this.positionOf(key.range?.[0]) ?? at
        const name = keyText(key)
        if (name === undefined) throw yamlError(keyAt, "keys must be plain names")
        if (entries.has(name)) throw yamlError(keyAt, `duplicate key ${JSON.stringify(name)}`)
        entries.set(name, { keyAt, value: this.read(value, keyAt) })
      }
      return { _tag: "Object", at, entries }
    }
    throw yamlError(at, "expected a value, a list or a mapping")
  }

  private scalar(value: unknown, spelled: string | undefined, at: Position): JsonNode {
    if (value === null) return { _tag: "Null", at }
    if (typeof value === "string") return { _tag: "String", value, at }
    const literal = spelled ?? String(value)
    if (typeof value === "boolean") return { _tag: "Boolean", value, literal, at }
    if (typeof value !== "number") throw yamlError(at, `unsupported value ${literal}`)
    if (/^0[xo]/.test(literal)) return { _tag: "Integer", value: BigInt(literal), literal, at }
    // What is no decimal number is .nan or .inf.
    return numberNode(literal, at) ?? { _tag: "Float", value, literal, at }
  }

  private positionOf(offset: number | undefined): Position | undefined {
    if (offset === undefined) return undefined
    const { col, line } = this.lines.linePos(offset)
    return { line, column: col }
  }
}

const yamlError = (at: Position, problem: string): TextSyntaxError => new TextSyntaxError({ ...at, problem })

/** `undefined` for what is no name. */
const keyText = (key: unknown): string | undefined => {
  if (!isScalar(key)) return undefined
  const { source, value } = key
  if (typeof value === "string") return value
  return typeof value === "number" || typeof value === "boolean" ? source : undefined
}

/** What the parser's codes mean where its messages speak to programmers. */
const parserProblems: ReadonlyMap<string, string> = new Map([
  ["MULTIPLE_DOCS", "more than one YAML document in the file"],
  // The parser follows nesting by calling itself, until it cannot.
  ["RESOURCE_EXHAUSTION", `not YAML: ${tooDeep}`]
])

/** Reads one YAML document; an empty one is an empty mapping. */
export const parseYaml = (text: string): Result.Result<JsonNode, TextSyntaxError> => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { col, line } = lines.linePos(error.pos[0])
    const problem = parserProblems.get(error.code) ?? `not YAML: ${error.message}`
    return Result.fail(yamlError({ line, column: col }, problem))
  }
  if (document.contents === null) return Result.succeed(emptyObject)
  const { contents } = document
  try {
    return Result.succeed(new TreeReader(document, lines).read(contents, emptyObject.at))
  } catch (error) {
    if (error instanceof TextSyntaxError) return Result.fail(error)
    throw error
  }
}
