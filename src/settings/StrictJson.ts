/**
 * JSON text -> {@link JsonNode}, strictly by RFC 8259: no comments, no trailing commas, nothing after the value, and, beyond
 * the RFC, no duplicate keys and no number that a double cannot hold.
 */
import * as Result from "effect/Result"
import { type JSONVisitor, printParseErrorCode, visit } from "jsonc-parser"
import { type JsonEntry, type JsonNode, numberNode, type Position } from "./JsonNode.ts"
import { TextSyntaxError } from "./SettingsError.ts"

/** A list or object whose closing bracket has not come yet. */
type Open =
  | { readonly _tag: "Array"; readonly at: Position; readonly items: Array<JsonNode> }
  | {
      readonly _tag: "Object"
      readonly at: Position
      readonly entries: Map<string, JsonEntry>
      key: { readonly name: string; readonly at: Position } | undefined
    }

/** Problems that have nothing to do with the grammar around them. */
const lexicalProblems: ReadonlyMap<string, string> = new Map([
  ["InvalidCommentToken", "JSON has no comments"],
  ["UnexpectedEndOfComment", "JSON has no comments"],
  ["UnexpectedEndOfString", "a string is not closed"],
  ["UnexpectedEndOfNumber", "a number is incomplete"],
  ["InvalidUnicode", "\\u needs four hexadecimal digits"],
  ["InvalidEscapeCharacter", "unknown escape in a string"],
  ["InvalidCharacter", "control character in a string: write it as \\u00XX"]
])

/** The scanner closes a container before it complains that the bracket is missing. */
const missingBrackets: ReadonlyMap<string, string> = new Map([
  ["CloseBraceExpected", "a comma or }"],
  ["CloseBracketExpected", "a comma or ]"]
])

/** Builds the tree from the scanner's calls and keeps the first problem; what follows it is meaningless. */
class TreeBuilder {
  root: JsonNode | undefined
  problem: TextSyntaxError | undefined
  private readonly text: string
  private readonly open: Array<Open> = []
  private expected = "a value"

  constructor(text: string) {
    this.text = text
  }

  begin(open: Open): void {
    this.open.push(open)
    this.expected = open._tag === "Array" ? "a value" : "a property name in double quotes"
  }

  end(): void {
    const open = this.open.pop()
    if (open === undefined) return
    this.add(
      open._tag === "Array"
        ? { _tag: "Array", items: open.items, at: open.at }
        : { _tag: "Object", entries: open.entries, at: open.at }
    )
  }

  property(name: string, at: Position): void {
    const open = this.open.at(-1)
    if (open?._tag !== "Object") return
    if (open.entries.has(name)) this.fail(at, `duplicate key ${JSON.stringify(name)}`, "give each key once")
    open.key = { name, at }
    this.expected = "a colon"
  }

  separator(character: string): void {
    if (character === ":") this.expected = "a value"
    else this.expected = this.open.at(-1)?._tag === "Object" ? "a property name in double quotes" : "a value"
  }

  add(value: JsonNode): void {
    const open = this.open.at(-1)
    if (open === undefined) {
      this.root = value
      this.expected = "nothing more"
    } else if (open._tag === "Array") {
      open.items.push(value)
      this.expected = "a comma or ]"
    } else if (open.key !== undefined) {
      open.entries.set(open.key.name, { keyAt: open.key.at, value })
      open.key = undefined
      this.expected = "a comma or }"
    }
  }

  literal(value: unknown, literal: string, at: Position): void {
    if (value === null) this.add({ _tag: "Null", at })
    else if (typeof value === "boolean") this.add({ _tag: "Boolean", value, literal, at })
    else if (typeof value === "string") this.add({ _tag: "String", value, at })
    else {
      const node = numberNode(literal, at)
      if (node === undefined) this.fail(at, `number out of range: ${literal}`)
      else this.add(node)
    }
  }

  syntaxError(code: string, offset: number, length: number, at: Position): void {
    const problem = lexicalProblems.get(code)
    if (problem !== undefined) return this.fail(at, problem)
    if (this.text.trim() === "") return this.fail(at, "the text is empty")
    const found = this.text.slice(offset, offset + length).trim()
    const expected = missingBrackets.get(code) ?? this.expected
    this.fail(
      at,
      `expected ${expected}, got ${found === "" ? "the end of the text" : found.slice(0, 40)}`,
      hintFor(found)
    )
  }

  private fail(at: Position, problem: string, hint?: string): void {
    this.problem ??= new TextSyntaxError({ ...at, problem, ...(hint === undefined ? {} : { hint }) })
  }
}

const hintFor = (found: string): string | undefined => {
  if (found.startsWith("'")) return "JSON strings take double quotes"
  if (found === "]" || found === "}") return "remove the comma before it"
  if (/^[-+]?(nan|inf)/i.test(found)) return "JSON has neither NaN nor Infinity"
  if (/^(true|false|none|null)$/i.test(found)) return "write true, false or null in lower case"
  return undefined
}

/** The scanner counts from 0. */
const position = (line: number, character: number): Position => ({ line: line + 1, column: character + 1 })

const visitorOf = (text: string, tree: TreeBuilder): JSONVisitor => ({
  onObjectBegin: (_offset, _length, line, character) =>
    tree.begin({ _tag: "Object", at: position(line, character), entries: new Map(), key: undefined }),
  onObjectEnd: () => tree.end(),
  onArrayBegin: (_offset, _length, line, character) =>
    tree.begin({ _tag: "Array", at: position(line, character), items: [] }),
  onArrayEnd: () => tree.end(),
  onObjectProperty: (name, _offset, _length, line, character) => tree.property(name, position(line, character)),
  onSeparator: (character) => tree.separator(character),
  onLiteralValue: (value, offset, length, line, character) =>
    tree.literal(value, text.slice(offset, offset + length), position(line, character)),
  onError: (code, offset, length, line, character) =>
    tree.syntaxError(printParseErrorCode(code), offset, length, position(line, character))
})

/** Objects and lists inside each other; settings need a handful. */
const mostLevels = 100

/** Where brackets are nested too deeply for a reader that follows them by calling itself. */
const depthProblem = (text: string): TextSyntaxError | undefined => {
  let levels = 0
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "]" || token === "}") levels -= 1
    else if (token === "[" || token === "{") levels += 1
    if (levels > mostLevels) {
      const lines = text.slice(0, index).split("\n")
      const problem = `nested more than ${mostLevels} levels deep`
      return new TextSyntaxError({ line: lines.length, column: lines.at(-1)!.length + 1, problem })
    }
  }
  return undefined
}

/** Reads one JSON value that takes up the whole text. */
export const parse = (text: string): Result.Result<JsonNode, TextSyntaxError> => {
  const tooDeep = depthProblem(text)
  if (tooDeep !== undefined) return Result.fail(tooDeep)
  const tree = new TreeBuilder(text)
  visit(text, visitorOf(text, tree), { disallowComments: true })
  if (tree.problem !== undefined) return Result.fail(tree.problem)
  if (tree.root === undefined) {
    return Result.fail(new TextSyntaxError({ line: 1, column: 1, problem: "the text is empty" }))
  }
  return Result.succeed(tree.root)
}
