/**
 * Small changes to source text, each of which some test should notice: a comparison shifted, an operator swapped, a statement dropped.
 *
 * Works on lines of formatted source (one statement a line, operators between spaces), which is all that this repository has.
 */

export interface Mutant {
  /** Line of the source, from 1. */
  readonly line: number
  readonly before: string
  readonly after: string
}

/** A way to change a line; every match is a mutant of its own. */
interface Change {
  readonly pattern: RegExp
  readonly replacement: string
}

const changes: ReadonlyArray<Change> = [
  { pattern: / < /g, replacement: " <= " },
  { pattern: / <= /g, replacement: " < " },
  { pattern: / > /g, replacement: " >= " },
  { pattern: / >= /g, replacement: " > " },
  { pattern: / === /g, replacement: " !== " },
  { pattern: / !== /g, replacement: " === " },
  { pattern: / && /g, replacement: " || " },
  { pattern: / \|\| /g, replacement: " && " },
  { pattern: / \+ /g, replacement: " - " },
  { pattern: / - /g, replacement: " + " },
  { pattern: / \* /g, replacement: " / " },
  { pattern: / \/ /g, replacement: " * " },
  { pattern: / \+= /g, replacement: " -= " },
  { pattern: / -= /g, replacement: " += " },
  { pattern: /Math\.min\(/g, replacement: "Math.max(" },
  { pattern: /Math\.max\(/g, replacement: "Math.min(" },
  { pattern: /Math\.floor\(/g, replacement: "Math.ceil(" },
  { pattern: /Math\.ceil\(/g, replacement: "Math.floor(" },
  { pattern: /\btrue\b/g, replacement: "false" },
  { pattern: /\bfalse\b/g, replacement: "true" },
  { pattern: /(?<=[(&|] ?)!(?=[a-z])/g, replacement: "" },
  { pattern: /(?<= = |return )0$/g, replacement: "1" },
  { pattern: /(?<= = |return )1$/g, replacement: "2" },
  // A call, an assignment or an update that stands alone.
  { pattern: /^\s+(?:this\.)?[\w.!?[\]]+\([^{]*\)$/g, replacement: "" },
  { pattern: /^\s+(?:this\.|[a-z]\w*\.)[\w.![\]]+ [-+]?= [^{]*[^{([,]$/g, replacement: "" }
]

/** Comments, imports, types, and texts of messages are nothing that runs. */
const isSilent = (line: string): boolean =>
  /^\s*(?:\/\/|\/?\*|import |export \{|export type |type |interface |readonly |private readonly |protected readonly |throw |[+`"])/.test(
    line
  )

/** Whether the change falls inside of a text on its line. */
const isInText = (line: string, at: number): boolean => {
  const before = line.slice(0, at)
  return ['"', "`"].some((quote) => before.split(quote).length % 2 === 0)
}

const ofLine = (text: string, line: number): Array<Mutant> =>
  isSilent(text)
    ? []
    : changes.flatMap(({ pattern, replacement }) =>
        [...text.matchAll(pattern)]
          .filter(({ index }) => !isInText(text, index))
          .map(({ 0: matched, index }) => ({
            line,
            before: text,
            after: text.slice(0, index) + replacement + text.slice(index + matched.length)
          }))
      )

/** All mutants of a source file, in the order of its lines. */
export const mutantsOf = (source: string): ReadonlyArray<Mutant> =>
  source.split("\n").flatMap((text, index) => ofLine(text, index + 1))

/** The source with one line changed. */
export const applied = (source: string, { after, line }: Mutant): string =>
  source
    .split("\n")
    .map((text, index) => (index + 1 === line ? after : text))
    .join("\n")
