/** Sessions of one class, one after the other: when each starts, and the rows of its turns. */
import { Pcg32 } from "../../structures/Pcg32.ts"
import type { TraceRow } from "../../trace/TraceRow.ts"
import { gapSampler } from "../ArrivalProcess.ts"
import { lengthDraws, meanLength, waitDraws } from "./Amounts.ts"
import { DayClock } from "./DayClock.ts"
import { evenShares } from "./PercentileTable.ts"
import { PromptPool } from "./Sharing.ts"
import type { ClassPlan } from "./WorkloadPlan.ts"

/** New hash ids, each given out once in a whole workload. */
export class FreshIds {
  private next = 0

  /** The first of so many in a row. */
  take(count: number): number {
    const first = this.next
    this.next += count
    return first
  }
}

export interface SessionsOptions {
  /** How many sessions are made, at most. */
  readonly sessions: number
  /** Tokens per hash id. */
  readonly blockTokens: number
  readonly daySeconds: number
  readonly seed: number | bigint
  /** Place of the class in its workload: each has random numbers of its own. */
  readonly index: number
  readonly ids: FreshIds
}

/** Each kind of draw has its own stream of random numbers, so that changing one does not change the others. */
const draws = ["starts", "input", "output", "turns", "added", "waits", "groups", "prefixes", "sharing"] as const
type Draw = (typeof draws)[number]

const append = (ids: Array<number>, first: number, count: number): void => {
  for (let index = 0; index < count; index++) ids.push(first + index)
}

/** Gaps between arrivals, ms, before the time of day has its say. */
const gapDraws = ({ arrivalShape = 1, arrivals, gapsMs, rate = 1 }: ClassPlan, count: number, random: Pcg32) => {
  if (gapsMs !== undefined) return waitDraws(gapsMs, count, random)
  return arrivals === "gamma"
    ? gapSampler({ process: arrivals, requestsPerSecond: rate, shape: arrivalShape }, random)
    : gapSampler({ process: arrivals, requestsPerSecond: rate }, random)
}

/** Blocks that a group's prompts begin with. */
class Prefixes {
  private readonly of = new Map<number, { readonly first: number; readonly blocks: number }>()
  private readonly options: SessionsOptions
  private readonly tokens: () => number

  constructor(tokens: () => number, options: SessionsOptions) {
    this.tokens = tokens
    this.options = options
  }

  get(group: number): { readonly first: number; readonly blocks: number } {
    const known = this.of.get(group)
    if (known !== undefined) return known
    const blocks = Math.floor(this.tokens() / this.options.blockTokens)
    const made = { first: this.options.ids.take(blocks), blocks }
    this.of.set(group, made)
    return made
  }
}

export class ClassSessions {
  /** When the next session starts, ms; infinite once all have. */
  nextStartMs = 0
  private readonly plan: ClassPlan
  private readonly options: SessionsOptions
  private readonly clock: DayClock
  private readonly gapMs: () => number
  private readonly inputTokens: () => number
  private readonly outputTokens: () => number
  private readonly turns: () => number
  private readonly addedTokens: () => number
  private readonly waitMs: () => number
  private readonly groups: Pcg32
  private readonly prefixes: Prefixes
  private readonly pool: PromptPool | undefined
  private made = 0

  constructor(plan: ClassPlan, options: SessionsOptions) {
    const { index, seed, sessions } = options
    const random = (draw: Draw): Pcg32 => new Pcg32(seed, 16 * (index + 1) + draws.indexOf(draw))
    const requests = Math.max(1, Math.round(sessions * meanLength(plan.turns)))
    const laterTurns = Math.max(1, requests - sessions)
    this.plan = plan
    this.options = options
    this.clock = new DayClock(plan.dayCurve, options.daySeconds * 1000)
    this.gapMs = gapDraws(plan, Math.max(1, sessions - 1), random("starts"))
    this.inputTokens = lengthDraws(plan.inputTokens, sessions, random("input"))
    this.outputTokens = lengthDraws(plan.outputTokens, requests, random("output"))
    this.turns = lengthDraws(plan.turns, sessions, random("turns"))
    this.addedTokens = lengthDraws(plan.turnInputTokens ?? plan.inputTokens, laterTurns, random("added"))
    this.waitMs = waitDraws(plan.waitMs, laterTurns, random("waits"))
    this.groups = random("groups")
    this.prefixes = new Prefixes(
      lengthDraws(plan.prefixTokens ?? 1, Math.max(1, plan.prefixGroups), random("prefixes")),
      options
    )
    this.pool = plan.sharing && new PromptPool(plan.sharing, evenShares(sessions, random("sharing")))
    if (sessions === 0) this.nextStartMs = Number.POSITIVE_INFINITY
  }

  /** The rows of the next session; its later turns wait for the one before. */
  take(): ReadonlyArray<TraceRow> {
    const { maxInputTokens = Number.POSITIVE_INFINITY, name } = this.plan
    const startMs = this.nextStartMs
    const session = this.made++
    this.nextStartMs =
      this.made < this.options.sessions ? this.clock.after(startMs, this.gapMs()) : Number.POSITIVE_INFINITY
    const turns = this.turns()
    const sessionId = this.plan.turns === 1 ? undefined : `${name}-${session}`
    const rows: Array<TraceRow> = []
    let promptTokens = Math.min(this.inputTokens(), maxInputTokens)
    let hashIds = this.firstPrompt(promptTokens)
    for (let turn = 0; turn < turns; turn++) {
      const outputTokens = this.outputTokens()
      rows.push(
        this.row({
          promptTokens,
          outputTokens,
          hashIds,
          sessionId,
          timestampMs: turn === 0 ? startMs : undefined,
          delayMs: turn === 0 ? undefined : this.waitMs()
        })
      )
      if (turn + 1 === turns) break
      const saidTokens = promptTokens
      promptTokens += outputTokens + this.addedTokens()
      if (promptTokens > maxInputTokens) break
      hashIds = this.continued(hashIds, saidTokens, promptTokens)
    }
    return rows
  }

  private row(
    of: Pick<TraceRow, "promptTokens" | "outputTokens" | "hashIds" | "sessionId" | "timestampMs" | "delayMs">
  ): TraceRow {
    const { name, policyClass, priority, strictPriority } = this.plan
    return {
      ...of,
      line: 0,
      outputTokenIds: undefined,
      requestId: undefined,
      priority,
      strictPriority,
      policyClass,
      className: name
    }
  }

  private firstPrompt(promptTokens: number): ReadonlyArray<number> {
    const { blockTokens, ids } = this.options
    const blocks = Math.ceil(promptTokens / blockTokens)
    const hashIds = this.pool?.prefix(promptTokens, blocks) ?? []
    if (this.plan.prefixGroups > 0) {
      const prefix = this.prefixes.get(this.groups.below(this.plan.prefixGroups))
      append(hashIds, prefix.first, Math.min(prefix.blocks, Math.floor(promptTokens / blockTokens)))
    }
    append(hashIds, ids.take(blocks - hashIds.length), blocks - hashIds.length)
    this.pool?.add(hashIds)
    return hashIds
  }

  /** What filled whole blocks of the prompt before stays, the rest is new. */
  private continued(before: ReadonlyArray<number>, saidTokens: number, promptTokens: number): ReadonlyArray<number> {
    const { blockTokens, ids } = this.options
    const hashIds = before.slice(0, Math.floor(saidTokens / blockTokens))
    const missing = Math.ceil(promptTokens / blockTokens) - hashIds.length
    append(hashIds, ids.take(missing), missing)
    return hashIds
  }
}
