/** Ends the scripts of package.json in one line under a Node.js that cannot run them: sources and tests are TypeScript as it is. */
const needed = [24, 0, 0]

const parts = process.versions.node.split(".").map(Number)
const at = needed.findIndex((part, index) => parts[index] !== part)
if (at >= 0 && parts[at] < needed[at]) {
  console.error(
    `error: the scripts of this repository need Node.js ${needed[0]} or newer, this is ${process.versions.node}; `
      + "npm ci brings one along for Linux and Windows, elsewhere install one from https://nodejs.org"
  )
  process.exit(1)
}
