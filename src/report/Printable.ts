/**
 * Text that comes from inputs (traces, policies, names of models and files), safe for a terminal.
 *
 * A terminal obeys control characters: what a trace says about its sessions could recolour, clear or retitle it, or turn the
 * order of a line around. Everything that is printed and not written by this program goes through here.
 */

/** Controls (C0, DEL, C1), line and paragraph separators, marks that change the direction of text, byte order marks. */
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu

const shortForms: Readonly<Record<string, string>> = {
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`
}

const escaped = (character: string): string =>
  shortForms[character] ?? String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** On one line, whatever terminals would obey spelled out as in JSON: `\n`, `\u001b`. Other text comes back as it is. */
export const printable = (text: string): string => text.replaceAll(unprintable, escaped)

/** Several lines: line ends stay, everything else as in {@link printable}. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n")
