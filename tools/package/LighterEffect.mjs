/**
 * What of Effect the bundled command loads later, or not at all. Each is a change to one module of a pinned version, made while it is
 * bundled; the build fails where a module does not look as expected.
 */

/**
 * Texts of the help are measured by graphemes, and the segmenter for them is made when the module is loaded: a fifth of what `--help` costs,
 * in every run. Every character of ASCII text is a grapheme of its own (a line end of two characters is one, but as wide as its
 * parts: not at all), so widths come out the same without it. Other text goes to the real segmenter, made when the first comes.
 */
const asciiSegments = {
  module: "effect/dist/cli/CliOutput.js",
  written: /new Intl\.Segmenter\(undefined, \{\s*granularity: "grapheme"\s*\}\)/,
  instead: `{
    segment(text) {
      if (/^[\\x00-\\x7f]*$/.test(text)) return Array.from(text, (segment) => ({ segment }))
      this.real ??= new Intl.Segmenter(undefined, { granularity: "grapheme" })
      return this.real.segment(text)
    }
  }`
}

/** Names of temporary files are random, and are all that the file system wants of Node's cryptography. */
const cryptographyWhenUsed = {
  module: "@effect/platform-node-shared/dist/NodeFileSystem.js",
  written: /import \* as Crypto from "node:crypto";/,
  instead: `const Crypto = { randomBytes: (size) => process.getBuiltinModule("node:crypto").randomBytes(size) };`
}

/**
 * Effect's commands can ask for what is missing, option by option. This program never asks: it has no wizard (see `CliConfig` in
 * src/cli/Main.ts) and no prompts.
 */
const asksNothing = [
  { module: "effect/dist/cli/Command.js", name: "Wizard", from: "./internal/wizard.js" },
  { module: "effect/dist/cli/Command.js", name: "Prompt", from: "./Prompt.js" },
  { module: "effect/dist/cli/Param.js", name: "Prompt", from: "./Prompt.js" }
].map(({ from, module, name }) => ({
  module,
  written: `import * as ${name} from "${from}";`,
  instead: `const ${name} = undefined;`
}))

const changes = [asciiSegments, cryptographyWhenUsed, ...asksNothing]

/** The plugin that makes the changes. */
export const lighterEffect = () => ({
  name: "lighter-effect",
  transform: {
    filter: { id: changes.map(({ module }) => new RegExp(`${module.replaceAll("/", "[\\\\/]")}$`)) },
    handler(code, id) {
      const here = changes.filter(({ module }) => id.replaceAll("\\", "/").endsWith(module))
      return here.reduce((changed, { instead, module, written }) => {
        if (changed.split(written).length !== 2)
          throw new Error(`${module} does not have once what is replaced: ${written}`)
        return changed.replace(written, () => instead)
      }, code)
    }
  }
})
