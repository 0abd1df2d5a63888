/**
 * Ways to search the points of a plan. A search asks for rounds of points and is told what became of them, until it is done.
 *
 * A round is known before any of it runs, and a search is a function of the answers alone: the same answers lead to the same rounds. So
 * a search can be interrupted, taken up again from what is stored, and each round split over machines.
 */
import * as Context from "effect/Context"
import type { Candidate } from "./Candidate.ts"
import { allPoints, type Point } from "./Cell.ts"
import type { Plan } from "./Plan.ts"

/** Of each point of the round, in its order: what came of it, `undefined` where it cannot be run or failed. */
export type Answers = ReadonlyArray<Candidate | undefined>

/** Yields the points of each round and is given the answers of the round before. */
export type Rounds = Generator<ReadonlyArray<Point>, void, Answers>

/** Which points of a plan are run, round by round. */
export interface SearchStrategy {
  readonly name: string
  readonly search: (plan: Plan) => Rounds
}

/** Every combination, in one round. */
export const grid: SearchStrategy = {
  name: "grid",
  *search({ axes }) {
    yield allPoints(axes)
  }
}

/** A strategy of one's own in place of the one that the plan names; an optimiser is plugged in by providing it. */
export const Search = Context.Reference<SearchStrategy | undefined>("dynosim/sweep/Search", {
  defaultValue: () => undefined
})
