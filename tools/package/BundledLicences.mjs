/** The licences of the packages that a bundle contains, as a file beside it. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** The folder of the package that a module belongs to; `undefined` for modules of this repository. */
const packageOf = (module) => {
  const file = module.split("\0").at(-1)
  if (!file.includes("/node_modules/")) return undefined
  let folder = dirname(file)
  // A package may have more package.json files inside, which only say how to read their folder.
  while (!existsSync(join(folder, "package.json")) || manifestOf(folder).name === undefined) folder = dirname(folder)
  return folder
}

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))

const textOf = (folder) => {
  const { license, name, version } = manifestOf(folder)
  const files = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)(\.|$)/i.test(file))
    .toSorted()
  if (files.length === 0) throw new Error(`${name} is bundled, but has no licence file in ${folder}`)
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim())
  return `${name} ${version} (${license})\n\n${texts.join("\n\n")}\n`
}

/** A plugin that emits `fileName`. Fails the build for a package without a licence file. */
export const bundledLicences = (fileName) => ({
  name: "bundled-licences",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((chunk) => (chunk.type === "chunk" ? Object.keys(chunk.modules) : []))
    const folders = [...new Set(modules.map(packageOf))].filter((folder) => folder !== undefined).toSorted()
    const head = "The files of this folder contain code of the following packages.\n"
    this.emitFile({ type: "asset", fileName, source: [head, ...folders.map(textOf)].join(`\n${"-".repeat(80)}\n\n`) })
  }
})
