/** The Node.js that the program needs; `engines` of package.json says the same. Imports nothing, so that any version can run it. */
const needed = [22, 19, 0] as const

/** One line for a version that is too old, like `20.1.0`; `undefined` for others. */
export const nodeProblem = (version: string): string | undefined => {
  const parts = version.split(".").map(Number)
  const at = needed.findIndex((part, index) => parts[index] !== part)
  if (at < 0 || parts[at]! > needed[at]!) return undefined
  return `dynosim needs Node.js ${needed.join(".")} or newer, this is ${version}; see https://nodejs.org`
}
