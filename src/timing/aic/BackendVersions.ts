/** Versions of backends: which one is meant where none is named, and which of several is the newest. */

/** The versions whose tables the reference takes when none is named. */
const usualVersions: Readonly<Record<string, string>> = { vllm: "0.19.0", sglang: "0.5.10", trtllm: "1.3.0rc10" }

export const backends: ReadonlyArray<string> = Object.keys(usualVersions)

/** `undefined` for an unknown backend. */
export const usualVersion = (backend: string): string | undefined =>
  Object.hasOwn(usualVersions, backend) ? usualVersions[backend] : undefined

const numbersOf = (version: string): ReadonlyArray<number> => (version.match(/\d+/g) ?? []).map(Number)

/** Whether a version is newer than another, part by part. */
const isNewer = (version: string, other: string): boolean => {
  const [ours, theirs] = [numbersOf(version), numbersOf(other)]
  const i = ours.findIndex((part, at) => part !== theirs[at])
  return i >= 0 && ours[i]! > (theirs[i] ?? -1)
}

/** `undefined` where there are none. */
export const newest = (versions: ReadonlyArray<string>): string | undefined => {
  const [first, ...others] = versions
  return others.reduce((best, version) => (best === undefined || isNewer(version, best) ? version : best), first)
}
