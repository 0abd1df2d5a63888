/**
 * Leaves of the built library what its doors lead to: the modules that run, and the declarations that their types need. The rest (the command,
 * whose bundle stands beside it, and the insides of engines, which no exported type names) would be a fifth of the package.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { minifySync } from "rolldown/utils"

const library = resolve("dist")
const { browser, exports } = JSON.parse(readFileSync("package.json", "utf8"))

/** Relative imports of JavaScript or declarations. */
const importsOf = (file) =>
  [...readFileSync(file, "utf8").matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*"(\.[^"]+)"/g)].map(([, path]) => path)

const reachable = (doors, suffix) => {
  const found = new Set()
  const open = doors.map((door) => resolve(door))
  while (open.length > 0) {
    const file = open.pop()
    if (found.has(file)) continue
    if (!existsSync(file)) throw new Error(`${file} is imported, but was not built`)
    found.add(file)
    for (const path of importsOf(file)) open.push(resolve(dirname(file), path).replace(/\.(ts|js)$/, suffix))
  }
  return found
}

const doors = (kind) => Object.values(exports).flatMap((door) => door[kind] ?? [])
const kept = new Set([
  ...reachable([...doors("default"), ...Object.values(browser)], ".js"),
  ...reachable(doors("types"), ".d.ts")
])

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

for (const file of filesBelow(library)) if (!kept.has(file)) rmSync(file)
for (const folder of readdirSync(library, { recursive: true, encoding: "utf8" }).toSorted().toReversed()) {
  const path = join(library, folder)
  if (statSync(path).isDirectory() && readdirSync(path).length === 0) rmSync(path, { recursive: true })
}

/**
 * Private members are nobody's business who uses the library. That a class has any is part of its type: one line says so, which the compiler
 * writes itself of those that JavaScript knows as private. Private constructors stay: they forbid something.
 */
const aClass = /(^(?:export )?declare (?:abstract )?class [^\n]*\{\n)([\s\S]*?^\}\n)/gm
const privateMember = /^ *(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n *)?private (?!constructor\b).*\n/gm
const withoutPrivate = (whole, head, members) => {
  const others = members.replaceAll(privateMember, "")
  return others === members ? whole : `${head}    #private;\n${others}`
}
/** Modules that names of the library come from. What the others are for stands in their sources: users meet them as types of types only. */
const api = [...kept].filter((file) => file.endsWith(".d.ts") && dirname(file) === join(library, "api"))
const declarationOf = (file, path) => resolve(dirname(file), path).replace(/\.(ts|js)$/, ".d.ts")
const named = new Set([...api, ...api.flatMap((file) => importsOf(file).map((path) => declarationOf(file, path)))])
const docstring = /^[ \t]*\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n/gm

/** The compiler indents by four spaces; a tab says the same in less. */
const indent = /^(?: {4})+/gm
const tabs = (spaces) => "\t".repeat(spaces.length / 4)
for (const file of kept) {
  if (!file.endsWith(".d.ts")) continue
  const text = readFileSync(file, "utf8").replaceAll(aClass, withoutPrivate)
  writeFileSync(file, (named.has(file) ? text : text.replaceAll(docstring, "")).replaceAll(indent, tabs))
}

/** Names of functions and classes stay, for whoever reads a stack trace; only what says nothing goes. */
for (const file of kept) {
  if (!file.endsWith(".js")) continue
  const { code, errors } = minifySync(file, readFileSync(file, "utf8"), {
    module: true,
    mangle: { toplevel: false, keepNames: true }
  })
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join("; ")}`)
  writeFileSync(file, code)
}
