/**
 * What prompts share with earlier ones of their class, by their length: how much of a prompt, and how long ago the other one came. The
 * two are drawn together, so that prompts that share little share with recent ones where the tables say so.
 *
 *     - {up_to_input_tokens: 4096, share: [[0, 0], [80, 0.1], [100, 1]], requests_back: [[0, 1], [100, 200]]}
 *     - {share: [[0, 0], [100, 1]], requests_back: [[0, 1], [100, 3000]]}
 */
import { type Kind, mostTokens, number, share as shareKind } from "../../settings/Kind.ts"
import { type PercentileTable, percentileTable, valueAt } from "./PercentileTable.ts"

export interface SharingBand {
  /** Prompts up to this length; those of the last band have any. */
  readonly upToInputTokens: number
  /** Shared part of a prompt, 0 … 1. */
  readonly share: PercentileTable
  /** Requests of the class since the last one that begins alike. */
  readonly requestsBack: PercentileTable
}

const upTo = number(1, mostTokens)
const shares = percentileTable(shareKind)
const distances = percentileTable(number(1, 1e9))
const keys: ReadonlySet<unknown> = new Set(["up_to_input_tokens", "share", "requests_back"])

const bandOf = (value: unknown, isLast: boolean): SharingBand | undefined => {
  if (!(value instanceof Map) || [...value.keys()].some((key) => !keys.has(key))) return undefined
  const limit = value.get("up_to_input_tokens")
  const upToInputTokens = limit === undefined && isLast ? mostTokens : upTo.read(limit)
  const share = shares.read(value.get("share"))
  const requestsBack = distances.read(value.get("requests_back"))
  return upToInputTokens === undefined || share === undefined || requestsBack === undefined
    ? undefined
    : { upToInputTokens, share, requestsBack }
}

const bandsOf = (value: unknown): ReadonlyArray<SharingBand> | undefined => {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const bands = value.map((item: unknown, index) => bandOf(item, index === value.length - 1))
  const read = bands.filter((band) => band !== undefined)
  const ascends = read.every((band, index) => index === 0 || band.upToInputTokens > read[index - 1]!.upToInputTokens)
  return read.length === bands.length && ascends ? read : undefined
}

export const sharing: Kind<ReadonlyArray<SharingBand>> = {
  expected:
    "a list of {up_to_input_tokens, share, requests_back} by ascending length, share and requests_back tables of percentiles",
  form: "other",
  schema: {
    type: "array",
    minItems: 1,
    items: {
      type: "object",
      additionalProperties: false,
      required: ["share", "requests_back"],
      properties: { up_to_input_tokens: upTo.schema, share: shares.schema, requests_back: distances.schema }
    }
  },
  read: bandsOf
}

/** Recent prompts are looked through for one that is long enough this far around the one that was drawn. */
const mostTries = 1024

/** Prompts that a class may share with: so many are remembered. */
const capacity = 8192

/** The prompts of a class so far, and what a next one takes over from them. */
export class PromptPool {
  private readonly bands: ReadonlyArray<SharingBand>
  private readonly share: () => number
  private readonly recent: Array<ReadonlyArray<number>> = []
  private added = 0

  /** `share` draws, 0 … 1. */
  constructor(bands: ReadonlyArray<SharingBand>, share: () => number) {
    this.bands = bands
    this.share = share
  }

  add(hashIds: ReadonlyArray<number>): void {
    this.recent[this.added++ % capacity] = hashIds
  }

  /** First ids of a prompt of `blocks` blocks. */
  prefix(inputTokens: number, blocks: number): Array<number> {
    const band = this.bands.find(({ upToInputTokens }) => inputTokens <= upToInputTokens) ?? this.bands.at(-1)
    if (band === undefined) return []
    const share = this.share()
    const wanted = Math.round(valueAt(band.share, share) * blocks)
    if (wanted === 0 || this.added === 0) return []
    const back = Math.round(valueAt(band.requestsBack, share))
    return this.near(back, wanted).slice(0, wanted)
  }

  /** The prompt of at least so many blocks that is nearest to so many requests ago; the longest met where there is none. */
  private near(back: number, blocks: number): ReadonlyArray<number> {
    const most = Math.min(this.added, capacity)
    const start = Math.min(Math.max(1, back), most)
    let longest: ReadonlyArray<number> = []
    for (let step = 0; step < mostTries; step++) {
      for (const at of step === 0 ? [start] : [start - step, start + step]) {
        if (at < 1 || at > most) continue
        const prompt = this.recent[(this.added - at) % capacity] ?? []
        if (prompt.length >= blocks) return prompt
        if (prompt.length > longest.length) longest = prompt
      }
    }
    return longest
  }
}
