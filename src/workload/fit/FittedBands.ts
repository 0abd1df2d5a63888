/** What prompts share, described by their length: prompts of about one length together, the longest, which have most tokens, in finer parts. */
import { mostTokens } from "../../settings/Kind.ts"
import type { SharingBand } from "../classes/Sharing.ts"
import { fittedTable } from "./FittedTable.ts"

/** A prompt and how much of it an earlier one began with. */
export interface SharedPrompt {
  readonly promptTokens: number
  readonly blocks: number
  /** Those of its blocks that an earlier prompt began with. */
  readonly sharedBlocks: number
  /** Prompts since the last one that began alike; 0 where none did. */
  readonly promptsBack: number
}

/** Where lengths are cut into bands, as shares of all prompts. */
const cuts = [0.15, 0.3, 0.45, 0.6, 0.75, 0.85, 0.92, 0.96, 0.985]
/** Prompts of a band, at least; few prompts are cut into equal parts. */
const leastPrompts = 6

const cutsFor = (prompts: number): ReadonlyArray<number> => {
  const bands = Math.floor(prompts / leastPrompts)
  if (bands * (1 - cuts.at(-1)!) >= 1) return cuts
  const parts = Math.max(1, Math.min(cuts.length + 1, bands))
  return Array.from({ length: parts - 1 }, (_, part) => (part + 1) / parts)
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/**
 * Shares of the prompts of a band, such that drawn ones, which know nothing of the length of their prompt, give as many shared blocks:
 * short prompts mostly share more of themselves, so the mean share is more than the share of all blocks.
 */
const sharesOf = (prompts: ReadonlyArray<SharedPrompt>): Float64Array => {
  const shares = prompts.map(({ blocks, sharedBlocks }) => sharedBlocks / blocks)
  const shared = sum(prompts.map(({ sharedBlocks }) => sharedBlocks))
  const drawn = (sum(shares) * sum(prompts.map(({ blocks }) => blocks))) / prompts.length
  const correction = drawn === 0 ? 1 : shared / drawn
  return Float64Array.from(shares, (share) => Math.min(1, share * correction))
}

const bandOf = (prompts: ReadonlyArray<SharedPrompt>, upToInputTokens: number): SharingBand => ({
  upToInputTokens,
  share: fittedTable(sharesOf(prompts), 5),
  requestsBack: fittedTable(
    Float64Array.from(prompts, ({ promptsBack }) => Math.max(1, promptsBack)),
    0
  )
})

export const fittedBands = (prompts: ReadonlyArray<SharedPrompt>): ReadonlyArray<SharingBand> => {
  const sorted = prompts.toSorted((a, b) => a.promptTokens - b.promptTokens)
  const limits = [
    ...new Set(
      cutsFor(sorted.length).map((cut) => sorted[Math.ceil(cut * sorted.length) - 1]?.promptTokens ?? mostTokens)
    )
  ]
  const bands: Array<SharingBand> = []
  let from = 0
  for (const limit of [...limits, mostTokens]) {
    let to = from
    while (to < sorted.length && sorted[to]!.promptTokens <= limit) to += 1
    if (to > from) bands.push(bandOf(sorted.slice(from, to), limit))
    from = to
  }
  return bands
}
