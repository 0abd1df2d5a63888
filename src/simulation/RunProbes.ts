/** Several probes as one: what a run calls, and which probes a run has. */
import type { DecisionProbe } from "../engine/DecisionProbe.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import { RunChecks } from "./RunChecks.ts"
import type { RunProbe } from "./RunProbe.ts"

type Hook<Arguments extends ReadonlyArray<unknown>> = ((...parts: Arguments) => void) | undefined

/** All of them, one after the other; `undefined` where there is none. */
const inTurn = <Arguments extends ReadonlyArray<unknown>>(hooks: ReadonlyArray<Hook<Arguments>>): Hook<Arguments> => {
  const [first, ...others] = hooks.filter((hook) => hook !== undefined)
  if (first === undefined || others.length === 0) return first
  return (...parts) => {
    first(...parts)
    for (const other of others) other(...parts)
  }
}

/** The earliest time that any of them gives; `undefined` unless all of them do. */
const earliest = (times: ReadonlyArray<(() => number) | undefined>): (() => number) | undefined => {
  const given = times.filter((time) => time !== undefined)
  if (given.length < times.length) return undefined
  if (given.length === 1) return given[0]
  return () => given.reduce((earliestMs, time) => Math.min(earliestMs, time()), Number.POSITIVE_INFINITY)
}

/** Calls a method where it lives, so that probes may be instances of classes. */
const bound = <Arguments extends ReadonlyArray<unknown>>(self: object, hook: Hook<Arguments>): Hook<Arguments> =>
  hook?.bind(self)

const composeDecisions = (probes: ReadonlyArray<DecisionProbe>): DecisionProbe | undefined =>
  probes.length === 0
    ? undefined
    : {
        decided: (decision) => {
          for (const probe of probes) probe.decided(decision)
        },
        delivered: (delivery) => {
          for (const probe of probes) probe.delivered(delivery)
        }
      }

const composeWorkers = (probes: ReadonlyArray<WorkerProbe>): WorkerProbe | undefined =>
  probes.length === 0
    ? undefined
    : {
        decisions: composeDecisions(probes.map(({ decisions }) => decisions).filter((each) => each !== undefined)),
        admitted: inTurn(probes.map((probe) => bound(probe, probe.admitted))),
        scheduled: inTurn(probes.map((probe) => bound(probe, probe.scheduled))),
        preempted: inTurn(probes.map((probe) => bound(probe, probe.preempted))),
        evicted: inTurn(probes.map((probe) => bound(probe, probe.evicted))),
        emitted: inTurn(probes.map((probe) => bound(probe, probe.emitted))),
        firstToken: inTurn(probes.map((probe) => bound(probe, probe.firstToken))),
        tokenGap: inTurn(probes.map((probe) => bound(probe, probe.tokenGap)))
      }

/** The probes of a run: those given, after the invariant checks where they are asked for. */
export const probeOf = (options: {
  readonly check?: boolean
  readonly probes?: ReadonlyArray<RunProbe>
}): RunProbe | undefined => compose([...(options.check === true ? [new RunChecks()] : []), ...(options.probes ?? [])])

/** Several probes as one, called in the order given; `undefined` for none. */
export const compose = (probes: ReadonlyArray<RunProbe>): RunProbe | undefined => {
  if (probes.length === 0) return undefined
  const lookers = probes.filter((probe) => probe.worker !== undefined)
  return {
    sparesPasses: probes.every(({ passesAhead, sparesPasses }) => sparesPasses === true || passesAhead !== undefined),
    outOfTurnUntilMs: earliest(probes.map((probe) => probe.outOfTurnUntilMs?.bind(probe))),
    worker:
      lookers.length === 0
        ? undefined
        : (role, workerIndex) =>
            composeWorkers(
              lookers.map((probe) => probe.worker?.(role, workerIndex)).filter((probe) => probe !== undefined)
            ),
    start: inTurn(probes.map((probe) => bound(probe, probe.start))),
    joined: inTurn(probes.map((probe) => bound(probe, probe.joined))),
    left: inTurn(probes.map((probe) => bound(probe, probe.left))),
    lost: inTurn(probes.map((probe) => bound(probe, probe.lost))),
    time: inTurn(probes.map((probe) => bound(probe, probe.time))),
    arrival: inTurn(probes.map((probe) => bound(probe, probe.arrival))),
    placed: inTurn(probes.map((probe) => bound(probe, probe.placed))),
    pass: inTurn(probes.map((probe) => bound(probe, probe.pass))),
    goesOn: inTurn(probes.map((probe) => bound(probe, probe.goesOn))),
    passesAhead: inTurn(probes.map((probe) => bound(probe, probe.passesAhead))),
    transfer: inTurn(probes.map((probe) => bound(probe, probe.transfer))),
    record: inTurn(probes.map((probe) => bound(probe, probe.record))),
    end: inTurn(probes.map((probe) => bound(probe, probe.end)))
  }
}
