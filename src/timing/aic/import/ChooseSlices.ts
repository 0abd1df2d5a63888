/** Which of the published slices an import takes. */
import * as Effect from "effect/Effect"
import { AicError } from "../AicError.ts"
import { newest, usualVersion } from "../BackendVersions.ts"
import { type SliceName, sliceName } from "../TableSlices.ts"
import type { PublishedSlice } from "./PublishedSlices.ts"

/** What the user asked for; `undefined` stands for all, of versions for the usual or newest one. */
export interface Wanted {
  readonly system: string | undefined
  readonly backend: string | undefined
  readonly version: string | undefined
  /** Take what is marked incomplete too. */
  readonly force: boolean
}

export interface Choice {
  readonly taken: ReadonlyArray<SliceName>
  /** What was asked for and is not taken, a sentence each. */
  readonly refused: ReadonlyArray<string>
}

const refusal = ({ flaw, ...name }: PublishedSlice, alternatives: ReadonlyArray<PublishedSlice>): string => {
  if (flaw === "incomplete")
    return `${sliceName(name)} is marked incomplete, or as one that takes tables from other versions; --force takes it`
  const versions = alternatives.filter((slice) => slice.flaw !== "empty").map((slice) => slice.version)
  return `${sliceName(name)} has no tables of its own; published versions: ${versions.join(", ") || "none"}`
}

/** The slices of one system and backend that are taken, and what is refused of those asked for. */
const chooseVersion = (of: ReadonlyArray<PublishedSlice>, { force, version }: Wanted): Choice => {
  const usable = (slice: PublishedSlice) => slice.flaw === undefined || (force && slice.flaw === "incomplete")
  if (version !== undefined) {
    const asked = of.filter((slice) => slice.version === version)
    return { taken: asked.filter(usable), refused: asked.filter((slice) => !usable(slice)).map((s) => refusal(s, of)) }
  }
  const versions = of.filter(usable).map((slice) => slice.version)
  const usual = usualVersion(of[0]?.backend ?? "")
  const best = usual !== undefined && versions.includes(usual) ? usual : newest(versions)
  if (best === undefined) return { taken: [], refused: of.map((slice) => refusal(slice, of)) }
  return { taken: of.filter((slice) => slice.version === best), refused: [] }
}

/** Fails where nothing published is what was asked for. */
export const chooseSlices = (
  where: string,
  published: ReadonlyArray<PublishedSlice>,
  wanted: Wanted
): Effect.Effect<Choice, AicError> => {
  const groups = new Map<string, Array<PublishedSlice>>()
  for (const slice of published) {
    if (wanted.system !== undefined && slice.system !== wanted.system) continue
    if (wanted.backend !== undefined && slice.backend !== wanted.backend) continue
    const key = `${slice.system}-${slice.backend}`
    groups.set(key, [...(groups.get(key) ?? []), slice])
  }
  const choices = [...groups.values()].map((of) => chooseVersion(of, wanted))
  const choice = {
    taken: choices.flatMap(({ taken }) => taken),
    refused: choices.flatMap(({ refused }) => refused)
  }
  if (choice.taken.length > 0 || choice.refused.length > 0) return Effect.succeed(choice)
  return Effect.fail(
    new AicError({
      where,
      problem: "holds no tables of what was asked for",
      advice: `published: ${published.map(sliceName).join(", ") || "nothing"}`
    })
  )
}
