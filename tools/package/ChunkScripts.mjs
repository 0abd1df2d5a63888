/**
 * Turns the files that the command is bundled into from modules into scripts, each behind a small module, so that their compiled code can be
 * kept with the functions that were called (`src/cli/CompiledCode.ts`).
 *
 *     start-9fM2.mjs   import { a } from "./trace-77cd.mjs"; const [x] = compiledScript("start-9fM2.41c0.js")(…, a); export { x }
 *     start-9fM2.41c0.js   (function (…, a) { …; return [x] })
 */
import { createHash } from "node:crypto"
import { parseAst } from "rolldown/parseAst"

const loader = { id: "src/cli/CompiledCode.ts", name: "compiled-code" }

/** Below, reading two more files costs more than compiling; scripts that are like modules of the library beside them pack well. */
const leastBytes = 2 * 1024

const exportedName = ({ name, value }) => name ?? value

/** What a module may have only outside of functions. Scripts have no modules: Node.js' own come from the process, others as parameters. */
const outside = (ast) => {
  const parts = { removed: [], imports: [], builtins: [], parameters: [], exports: [] }
  const constants = new Set()
  for (const node of ast.body) {
    switch (node.type) {
      case "ImportDeclaration":
        parts.removed.push(node)
        if (node.source.value.startsWith("node:")) parts.builtins.push(node)
        else {
          parts.imports.push(node)
          parts.parameters.push(...node.specifiers.map(({ local }) => local.name))
        }
        break
      case "ExportNamedDeclaration":
        if (node.source !== null || node.declaration !== null) return undefined
        parts.removed.push(node)
        parts.exports.push(...node.specifiers.map(({ exported, local }) => [exportedName(exported), local.name]))
        break
      case "VariableDeclaration":
        for (const { id, init } of node.declarations) {
          // `var` with a value is what bundler and older code write for classes; anything else could change after it was exported.
          if (node.kind !== "let" && init !== null) for (const name of namesOf(id)) constants.add(name)
        }
        break
      case "FunctionDeclaration":
      case "ClassDeclaration":
        constants.add(node.id.name)
        break
    }
  }
  for (const [name, local] of parts.exports) {
    if (!constants.has(local) && !parts.parameters.includes(local))
      throw new Error(`${name} is exported, but no constant`)
  }
  return parts
}

const namesOf = (pattern) => {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name]
    case "ObjectPattern":
      return pattern.properties.flatMap(({ argument, value }) => namesOf(value ?? argument))
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element === null ? [] : namesOf(element)))
    case "AssignmentPattern":
      return namesOf(pattern.left)
    default:
      return namesOf(pattern.argument)
  }
}

/** All `import(…)` and `import.meta` below a node, as changes of the text. */
const importsBelow = (node, changes = []) => {
  if (node === null || typeof node !== "object") return changes
  if (node.type === "ImportExpression") changes.push([node.start, node.start + "import".length, "$import"])
  if (node.type === "MetaProperty" && node.meta.name === "import") changes.push([node.start, node.end, "$meta"])
  for (const child of Array.isArray(node) ? node : Object.values(node)) importsBelow(child, changes)
  return changes
}

const fromProcess = ({ source, specifiers }) =>
  specifiers
    .map(({ imported, local, type }) => {
      const bound = type === "ImportSpecifier" ? `{${exportedName(imported)}:${local.name}}` : local.name
      return `const ${bound}=process.getBuiltinModule("${source.value}");`
    })
    .join("")

/** The script and the module that a file becomes; nothing where it is to stay as it is. */
const split = (code, named, loaderFile) => {
  const ast = parseAst(code)
  const parts = outside(ast)
  if (parts === undefined) return undefined
  const { builtins, exports, imports, parameters, removed } = parts
  const changes = [...importsBelow(ast.body), ...removed.map(({ end, start }) => [start, end, ""])]
  const body = changes
    .toSorted(([a], [b]) => b - a)
    .reduce((text, [start, end, instead]) => text.slice(0, start) + instead + text.slice(end), code)
    .replace(/^#!.*\n/, "")
  const returned = exports.map(([, local]) => local).join(",")
  const script = `(function($meta,$import,${parameters.join(",")}){"use strict";${builtins.map(fromProcess).join("")}${body};return[${returned}]})`
  const file = named(createHash("sha256").update(script).digest("hex").slice(0, 8))
  const locals = exports.map(([name], index) => [name, `$${index}`])
  const module = [
    ...imports.map(({ end, start }) => code.slice(start, end)),
    `import{compiledScript as $compiled}from"./${loaderFile}";`,
    `const[${locals.map(([, local]) => local).join(",")}]=`,
    `$compiled("${file}")(${["import.meta", "$name=>import($name)", ...parameters].join(",")});`,
    `export{${locals.map(([name, local]) => `${local} as ${name}`).join(",")}};`
  ].join("")
  return { file, module, script }
}

/** The plugin; it comes last, because it reads what the bundler has written. */
export const chunkScripts = () => ({
  name: "chunk-scripts",
  buildStart() {
    this.emitFile({ type: "chunk", ...loader, preserveSignature: "strict" })
  },
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter(({ type }) => type === "chunk")
    const loaderChunk = chunks.find(({ name }) => name === loader.name)
    for (const chunk of chunks) {
      if (chunk === loaderChunk || chunk.isEntry || chunk.code.length < leastBytes) continue
      const name = chunk.fileName.replace(/\.mjs$/, "")
      const made = split(chunk.code, (hash) => `${name}.${hash}.js`, loaderChunk.fileName)
      if (made === undefined) continue
      chunk.code = made.module
      this.emitFile({ type: "asset", fileName: made.file, source: made.script })
    }
  }
})
