/**
 * Strict reading of a policy file: every value has the type asked for, unknown and repeated keys are errors, and every error names its
 * line and its path in the document, in the words of the reference.
 */
import * as Result from "effect/Result"
import type { JsonNode } from "../../settings/JsonNode.ts"
import { parseYaml } from "../../settings/YamlTree.ts"
import { PolicyFileError } from "./PolicyFileError.ts"

const wholeNumber = /^\+?(\d+|0x[0-9a-f]+|0o[0-7]+)$/i

/** A value of the document, and how to name it. */
export interface Place {
  readonly node: JsonNode
  readonly path: string
}

export class PolicyReader {
  /** The document's root. */
  readonly root: Place
  private readonly file: string

  /** Throws {@link PolicyFileError} when the text is not one well-formed YAML document. */
  constructor(file: string, text: string) {
    this.file = file
    const node = Result.getOrThrowWith(parseYaml(text), ({ line, problem }) => this.failure(line, problem))
    this.root = { node, path: "" }
  }

  failure(line: number, problem: string): PolicyFileError {
    return new PolicyFileError({ file: this.file, line, problem })
  }

  isNull({ node }: Place): boolean {
    return node._tag === "Null"
  }

  /** Values by key of a mapping that may have these keys only, or any keys when `allowed` is `undefined`. */
  mapping(place: Place, allowed: ReadonlyArray<string> | undefined): ReadonlyMap<string, Place> {
    const { node, path } = place
    if (node._tag !== "Object") throw this.wrongType(place, "a mapping")
    const places = new Map<string, Place>()
    for (const [name, { keyAt, value }] of node.entries) {
      if (allowed !== undefined && !allowed.includes(name)) {
        const known = allowed.map((each) => `\`${each}\``).join(", ")
        throw this.failure(keyAt.line, `${prefix(place)}unknown field \`${name}\`, expected one of ${known}`)
      }
      places.set(name, { node: value, path: path === "" ? name : `${path}.${name}` })
    }
    return places
  }

  items(place: Place): ReadonlyArray<Place> {
    const { node, path } = place
    if (node._tag !== "Array") throw this.wrongType(place, "a sequence")
    return node.items.map((item, index) => ({ node: item, path: `${path}[${index}]` }))
  }

  /** The value of a key that must be there. */
  required(of: Place, places: ReadonlyMap<string, Place>, key: string): Place {
    const place = places.get(key)
    if (place === undefined) throw this.failure(lineOf(of), `${prefix(of)}missing field \`${key}\``)
    return place
  }

  /** A string; numbers and booleans count as their text, as they do for any YAML reader asked for a string. */
  text(place: Place): string {
    const { node } = place
    if (node._tag === "String") return node.value
    if ("literal" in node) return node.literal
    throw this.wrongType(place, "a string")
  }

  oneOf<const A extends string>(place: Place, variants: ReadonlyArray<A>): A {
    const text = this.text(place)
    const variant = variants.find((each) => each === text)
    if (variant !== undefined) return variant
    const known = variants.map((each) => `\`${each}\``).join(", ")
    throw this.failure(lineOf(place), `${prefix(place)}unknown variant \`${text}\`, expected one of ${known}`)
  }

  /** A whole number from 0 to 2^53 - 1, written without a fraction. */
  count(place: Place): number {
    const { node } = place
    if (node._tag === "Integer" && wholeNumber.test(node.literal)) {
      const value = Number(node.value)
      if (Number.isSafeInteger(value)) return value
    }
    throw this.wrongType(place, "a whole number")
  }

  number(place: Place): number {
    const { node } = place
    if (node._tag !== "Integer" && node._tag !== "Float") throw this.wrongType(place, "a number")
    return Number(node.value)
  }

  private wrongType(place: Place, expected: string): PolicyFileError {
    const problem = `${prefix(place)}invalid type: ${describe(place.node)}, expected ${expected}`
    return this.failure(lineOf(place), problem)
  }
}

export const lineOf = ({ node }: Place): number => node.at.line

const prefix = ({ path }: Place): string => (path === "" ? "" : `${path}: `)

/** Kind and spelling of a value, in the reference's words. */
const describe = (node: JsonNode): string => {
  switch (node._tag) {
    case "Object":
      return "mapping"
    case "Array":
      return "sequence"
    case "Null":
      return "null"
    case "String":
      return `string "${node.value}"`
    case "Boolean":
      return `boolean \`${node.literal}\``
    default:
      return `number \`${node.literal}\``
  }
}
