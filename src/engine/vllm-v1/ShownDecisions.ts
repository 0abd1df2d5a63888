/** Shows the decisions of a vLLM profile through the plain hooks of a {@link WorkerProbe}, and hands on the whole log. */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { Decision, DecisionProbe, Delivery } from "../DecisionProbe.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"

/** Whether any hook wants the log of decisions, which is not kept for nothing. */
export const asksForDecisions = ({
  admitted,
  decisions,
  emitted,
  evicted,
  preempted,
  scheduled
}: WorkerProbe): boolean =>
  [admitted, decisions, emitted, evicted, preempted, scheduled].some((hook) => hook !== undefined)

export class ShownDecisions implements DecisionProbe {
  private readonly probe: WorkerProbe

  constructor(probe: WorkerProbe) {
    this.probe = probe
  }

  decided(decision: Decision): void {
    const { probe } = this
    probe.decisions?.decided(decision)
    for (const request of decision.preempted) probe.preempted?.(request, decision.decidedMs)
    for (const { hitTokens, request } of decision.admitted) {
      probe.admitted?.(request, decision.decidedMs, Math.min(hitTokens, request.promptTokens))
    }
    if (decision.evicted.length > 0) probe.evicted?.(decision.evicted.length)
    for (const { request, tokens, tokensBefore } of decision.scheduled) {
      const promptTokens = Math.max(0, Math.min(tokensBefore + tokens, request.promptTokens) - tokensBefore)
      probe.scheduled?.(request, tokens, promptTokens)
    }
  }

  /** A burst stands in the log once per token, its entries side by side. */
  delivered(delivery: Delivery): void {
    this.probe.decisions?.delivered(delivery)
    const { emitted, endMs } = delivery
    let from = 0
    for (let index = 1; index <= emitted.length; index++) {
      const request: SimRequest = emitted[from]!
      if (emitted[index] === request) continue
      this.probe.emitted?.(request, index - from, endMs)
      from = index
    }
  }
}
