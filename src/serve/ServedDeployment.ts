/**
 * The requests of a server in its deployment: checks what fits, makes simulated requests of text, carries tokens to those who wait
 * for them. Plain and synchronous.
 */
import type { PoolRole } from "../autoscaler/Autoscaler.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { Deployment, DeploymentObserver } from "../online/Deployment.ts"
import type { LagMeter } from "../online/LagMeter.ts"
import type { LivePool, LiveTopology } from "../online/LiveTopology.ts"
import type { LiveRequest } from "../online/LiveRequest.ts"
import type { BlockIdentity } from "../request/BlockIdentity.ts"
import { noRoutingHints, SimRequest } from "../request/SimRequest.ts"
import { RouterFault } from "../router/RouterFault.ts"
import { type ApiError, invalid, serverError, tooManyRequests } from "./ApiError.ts"
import { Choice } from "./Choice.ts"
import { Generation } from "./Generation.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import { type OutputPlan, planOutput } from "./OutputPlan.ts"
import { outputToken } from "./OutputText.ts"
import type { ServeOptions } from "./ServeOptions.ts"
import type { ServerMetrics } from "./ServerMetrics.ts"
import { blocksOf, hashOf } from "./TextIdentity.ts"
import type { TokenBuffer } from "./TokenText.ts"
import { counted } from "../settings/Counted.ts"

/** A request that is being served. */
interface Served {
  readonly generation: Generation
  readonly choice: Choice
}

interface PlannedChoice {
  readonly prompt: TokenBuffer
  readonly plan: OutputPlan
}

const lastOf = ([first, ...others]: LiveTopology["Service"]["pools"]): LivePool => others.at(-1) ?? first

/** Tokens that one request may have in a worker's KV pool. */
const usableTokens = ({ blockTokens, engineType, numGpuBlocks, vllmScheduler }: EngineArgs): number =>
  Math.min(
    vllmScheduler?.maxModelLen ?? Number.POSITIVE_INFINITY,
    // SGLang-style admission keeps a page in hand for the page that a request is about to open.
    blockTokens * (engineType === "sglang" ? numGpuBlocks - 1 : numGpuBlocks)
  )

/** Tokens of a prompt that is computed in one pass because it must be. */
const wholePromptTokens = ({ enableChunkedPrefill, engineType, maxNumBatchedTokens }: EngineArgs): number =>
  engineType === "sglang" || enableChunkedPrefill ? Number.POSITIVE_INFINITY : maxNumBatchedTokens

export class ServedDeployment {
  readonly contextTokens: number
  private readonly deployment: Deployment
  private readonly identity: BlockIdentity
  private readonly pools: LiveTopology["Service"]["pools"]
  /** The workers that compute prompts, and those that decode them; the same unless disaggregated. */
  /** Tokens of a prompt that every prefill worker can hold, and can compute where it must in one pass. */
  private readonly mostPromptTokens: number
  private readonly mostPassTokens: number
  private readonly decode: EngineArgs
  private readonly options: ServeOptions
  private readonly metrics: ServerMetrics
  private readonly served = new Map<LiveRequest, Served>()
  /** Those who have news since the last settling. */
  private readonly touched = new Set<Generation>()
  private nextNumber = 0
  private nextRequest = 0

  constructor(
    deployment: Deployment,
    identity: BlockIdentity,
    pools: LiveTopology["Service"]["pools"],
    options: ServeOptions,
    metrics: ServerMetrics
  ) {
    this.deployment = deployment
    this.identity = identity
    this.pools = pools
    const prefills = pools[0].groups.map(({ args }) => args)
    this.mostPromptTokens = Math.min(...prefills.map(usableTokens)) - 1
    this.mostPassTokens = Math.min(...prefills.map(wholePromptTokens))
    this.decode = lastOf(pools).args
    this.options = options
    this.metrics = metrics
    this.contextTokens = Math.min(
      options.maxContextTokens ?? Number.POSITIVE_INFINITY,
      Math.min(...lastOf(pools).groups.map(({ args }) => usableTokens(args)))
    )
  }

  /** Starts all choices, or none. */
  submit(spec: GenerationSpec, createdSeconds: number): Result.Result<Generation, ApiError> {
    return Result.flatMap(this.plansOf(spec), (plans) => {
      const number = this.nextNumber++
      const choices: Array<Choice> = []
      try {
        for (const { plan, prompt } of plans) choices.push(this.start(prompt, plan, choices.length))
      } catch (error) {
        for (const { live } of choices) this.deployment.abort(live)
        if (error instanceof RouterFault) return Result.fail(serverError(error.message, 503))
        throw error
      }
      const generation = new Generation(number, createdSeconds, spec, choices)
      for (const choice of choices) this.served.set(choice.live, { generation, choice })
      return Result.succeed(generation)
    })
  }

  /** What each choice will be, once it is known that there is room for all of them. */
  private plansOf(spec: GenerationSpec): Result.Result<ReadonlyArray<PlannedChoice>, ApiError> {
    const { maxConcurrentRequests } = this.options
    const { choicesPerPrompt, prompts } = spec
    const count = prompts.length * choicesPerPrompt
    if (count > maxConcurrentRequests) {
      return Result.fail(
        invalid(
          `${prompts.length} prompts with n=${choicesPerPrompt} are more than the ${counted(maxConcurrentRequests, "request")} served at a time`,
          {
            param: choicesPerPrompt > 1 ? "n" : "prompt"
          }
        )
      )
    }
    if (this.served.size + count > maxConcurrentRequests) return Result.fail(tooManyRequests(maxConcurrentRequests))
    const plans: Array<PlannedChoice> = []
    for (const prompt of prompts) {
      const most = this.outputTokensOf(prompt, spec.outputTokens)
      if (Result.isFailure(most)) return Result.fail(most.failure)
      for (let choice = 0; choice < choicesPerPrompt; choice++) {
        const seed = hashOf(prompt, spec.seed + choice)
        plans.push({ prompt, plan: planOutput(seed, most.success, spec.stop) })
      }
    }
    return Result.succeed(plans)
  }

  private start(prompt: TokenBuffer, plan: OutputPlan, index: number): Choice {
    const promptTokens = prompt.length
    // The answer is known: its blocks follow those of the prompt.
    for (let position = 0; position < plan.tokens; position++) prompt.addToken(outputToken(plan.seed, position))
    const blocks = blocksOf(this.identity, prompt, this.decode.blockTokens)
    prompt.truncate(promptTokens)
    const request = new SimRequest({
      id: this.nextRequest++,
      sessionId: null,
      turnIndex: 0,
      requestId: null,
      promptTokens,
      outputTokens: plan.tokens,
      blocks,
      arrivalMs: this.deployment.time.nowMs(),
      hints: noRoutingHints,
      annotations: null,
      workloadKey: 0
    })
    return new Choice(index, plan, this.deployment.submit(request))
  }

  /** Requests being served, every choice counted. */
  get load(): number {
    return this.served.size
  }

  /** The client is gone, or has been given everything. */
  leave({ choices }: Generation): void {
    for (const { live } of choices) {
      if (!this.served.delete(live)) continue
      this.deployment.abort(live)
      this.metrics.ended("abort")
    }
  }

  readonly observer: DeploymentObserver = {
    emitted: ({ emitting, stampMs, tokens }) => {
      for (let index = 0; index < emitting.length; index++) {
        const live = emitting[index]!
        const served = this.served.get(live)
        if (served === undefined) continue
        this.metrics.emitted(live, tokens[index]!, stampMs)
        served.choice.tokens += tokens[index]!
        if (served.generation.spec.stream) this.touched.add(served.generation)
      }
    },
    ended: (live, status) => {
      if (status === "completed") this.metrics.completed(live, this.served.get(live)?.choice.finishReason ?? "length")
      else this.metrics.ended("error")
      this.end(live, status === "completed" ? undefined : serverError("the engine has rejected the request"))
    },
    left: () => {},
    refused: (live, fault) => {
      this.metrics.ended("error")
      this.end(live, serverError(fault.message, 503))
    },
    settled: Effect.sync(() => this.tellTouched()),
    resting: (stuck) =>
      Effect.sync(() => {
        if (stuck.length > 0 && this.deployment.unlock?.() === true) return
        for (const live of stuck) this.giveUp(live)
        this.tellTouched()
      })
  }

  metricsText(lag: LagMeter): string {
    const { deployment, options, pools } = this
    // Decode workers are counted on from the prefill workers that there were at the start.
    const offsetOf = (role: PoolRole): number => (role === "decode" ? pools[0].workers : 0)
    return this.metrics.text({
      modelName: options.modelName,
      pools,
      workers: deployment.probed.flatMap(({ role, workers }) =>
        workers.map(({ core, workerIndex }) => ({ ...core.snapshot(), role, engine: offsetOf(role) + workerIndex }))
      ),
      sizes: deployment.sizes(),
      parked: deployment.parked,
      lag
    })
  }

  /** Output tokens, once prompt and output together are known to fit. */
  private outputTokensOf(prompt: TokenBuffer, outputTokens: number | undefined): Result.Result<number, ApiError> {
    const { contextTokens, options } = this
    const promptTokens = prompt.length
    const { mostPassTokens, mostPromptTokens } = this
    const room = contextTokens - promptTokens
    const wanted = outputTokens ?? Math.max(1, Math.min(options.defaultOutputTokens, room))
    if (wanted > room) {
      return Result.fail(
        invalid(
          `this model's maximum context length is ${contextTokens} tokens. However, you requested ${promptTokens + wanted} tokens `
            + `(${promptTokens} in the prompt, ${wanted} in the completion)`,
          { code: "context_length_exceeded" }
        )
      )
    }
    // A prefill worker computes one token beyond the prompt.
    if (promptTokens > mostPromptTokens) {
      return Result.fail(
        invalid(`the prompt has ${promptTokens} tokens, but a prefill worker holds at most ${mostPromptTokens}`, {
          code: "context_length_exceeded"
        })
      )
    }
    if (promptTokens > mostPassTokens) {
      return Result.fail(
        invalid(
          `the prompt has ${promptTokens} tokens, but the engine prefills at most ${mostPassTokens} at once and chunked prefill is off`,
          { code: "context_length_exceeded" }
        )
      )
    }
    return Result.succeed(wanted)
  }

  private giveUp(live: LiveRequest): void {
    this.deployment.abort(live)
    this.metrics.ended("error")
    this.end(live, serverError("the engine can never schedule this request beside those it has: see docs/serve.md"))
  }

  private end(live: LiveRequest, problem: ApiError | undefined): void {
    const served = this.served.get(live)
    if (served === undefined) return
    this.served.delete(live)
    served.choice.state = problem ?? "completed"
    this.touched.add(served.generation)
  }

  private tellTouched(): void {
    for (const generation of this.touched) generation.tell()
    this.touched.clear()
  }
}
