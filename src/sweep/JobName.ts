/** The name under which a scheduler lists a plan: a DNS label, from the name of its file. */

/** Kubernetes makes names of pods from it, which have 63 characters and an ending of their own. */
const mostCharacters = 50

const ending = /^.*[/\\]|\.[^.]*$/g

export const jobName = (plan: string): string => {
  const label = plan
    .replaceAll(ending, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
  return `dynosim-${label === "" ? "plan" : label}`.slice(0, mostCharacters).replace(/-+$/, "")
}
