/**
 * Strict reading of a YAML file: every value has the type asked for, unknown and repeated keys are errors, and every
 * error names its line and its path in the document.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar
} from "yaml"
import { PolicyFileError } from "./PolicyFileError.ts"

const wholeNumber = /^\+?(\d+|0x[0-9a-f]+|0o[0-7]+)$/i

/** A place in the document: a node, `undefined` when absent, and how to name it. */
export interface Place {
  readonly node: Node | undefined
  readonly path: string
  /** Line of the node, or of what should contain it. */
  readonly line: number
}

export class YamlReader {
  /** The document's root; its node is `undefined` for an empty document. */
  readonly root: Place
  private readonly file: string
  private readonly lines = new LineCounter()
  private readonly document: Document.Parsed

  /** Throws {@link PolicyFileError} when the text is not one well-formed YAML document. */
  constructor(file: string, text: string) {
    this.file = file
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false })
    const error = this.document.errors[0]
    if (error !== undefined) {
      const problem = error.code === "MULTIPLE_DOCS" ? "more than one YAML document in the file" : error.message
      throw this.failure(this.lines.linePos(error.pos[0]).line, problem)
    }
    this.root = this.place(this.document.contents, "", 1)
  }

  failure(line: number, problem: string): PolicyFileError {
    return new PolicyFileError({ file: this.file, line, problem })
  }

  /** Whether the value is missing or null. */
  isAbsent(place: Place): boolean {
    return place.node === undefined || (isScalar(place.node) && place.node.value === null)
  }

  /** Values by key of a mapping that may have these keys only, or any keys when `allowed` is `undefined`. */
  mapping(place: Place, allowed: ReadonlyArray<string> | undefined): ReadonlyMap<string, Place> {
    const { node } = place
    if (!isMap(node)) throw this.wrongType(place, "a mapping")
    const places = new Map<string, Place>()
    for (const pair of node.items) {
      const key = this.place(pair.key, place.path, place.line)
      const name = this.text(key)
      if (allowed !== undefined && !allowed.includes(name)) {
        const known = allowed.map((each) => `\`${each}\``).join(", ")
        throw this.failure(key.line, `${prefix(place)}unknown field \`${name}\`, expected one of ${known}`)
      }
      places.set(name, this.place(pair.value, place.path === "" ? name : `${place.path}.${name}`, key.line))
    }
    return places
  }

  items(place: Place): ReadonlyArray<Place> {
    const { node } = place
    if (!isSeq(node)) throw this.wrongType(place, "a sequence")
    return node.items.map((item, index) => this.place(item, `${place.path}[${index}]`, place.line))
  }

  /** The value of a key that must be there. */
  required(of: Place, places: ReadonlyMap<string, Place>, key: string): Place {
    const place = places.get(key)
    if (place === undefined) throw this.failure(of.line, `${prefix(of)}missing field \`${key}\``)
    return place
  }

  /** A string; numbers and booleans count as their text, as they do for any YAML reader asked for a string. */
  text(place: Place): string {
    const { source, value } = this.scalar(place, "a string")
    if (typeof value === "string") return value
    if (value === null || source === undefined) throw this.wrongType(place, "a string")
    return source
  }

  oneOf<const A extends string>(place: Place, variants: ReadonlyArray<A>): A {
    const text = this.text(place)
    const variant = variants.find((each) => each === text)
    if (variant !== undefined) return variant
    const known = variants.map((each) => `\`${each}\``).join(", ")
    throw this.failure(place.line, `${prefix(place)}unknown variant \`${text}\`, expected one of ${known}`)
  }

  /** A whole number from 0 to 2^53 - 1, written without a fraction. */
  count(place: Place): number {
    const { source, value } = this.scalar(place, "a whole number")
    if (typeof value !== "number" || !Number.isSafeInteger(value) || !wholeNumber.test(source ?? "")) {
      throw this.wrongType(place, "a whole number")
    }
    return value
  }

  number(place: Place): number {
    const { value } = this.scalar(place, "a number")
    if (typeof value !== "number") throw this.wrongType(place, "a number")
    return value
  }

  private scalar(place: Place, expected: string): Scalar {
    if (!isScalar(place.node)) throw this.wrongType(place, expected)
    return place.node
  }

  private wrongType(place: Place, expected: string): PolicyFileError {
    return this.failure(place.line, `${prefix(place)}invalid type: ${describe(place.node)}, expected ${expected}`)
  }

  private place(value: unknown, path: string, line: number): Place {
    const node = isAlias(value) ? value.resolve(this.document) : value
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return { node: undefined, path, line }
    const start = node.range?.[0]
    return { node, path, line: start === undefined ? line : this.lines.linePos(start).line }
  }
}

const prefix = (place: Place): string => (place.path === "" ? "" : `${place.path}: `)

const describe = (node: Node | undefined): string => {
  if (isMap(node)) return "mapping"
  if (isSeq(node)) return "sequence"
  if (!isScalar(node) || node.value === null) return "null"
  return typeof node.value === "string" ? `string "${node.value}"` : `${typeof node.value} \`${node.source ?? ""}\``
}
