/**
 * An engine of one's own: static batching, as servers did before continuous batching. A batch is prefilled together and decodes until
 * its last request is done; only then does the next one start.
 *
 *     node examples/own-engine.ts traces/conversation_sample.jsonl
 *
 * A worker core is a plain synchronous object. A pass is computed when it starts, writes the times of tokens into its requests, and
 * signals first and last tokens, which count from its end.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  Engine,
  EngineArgs,
  PolynomialTiming,
  Replay,
  Report,
  Timing,
  Topology,
  Trace,
  VirtualClock,
  VllmEngine,
  Workload
} from "dynosim"
import type { Request } from "dynosim"

const maxBatch = 8
/** It keeps no KV between requests and never runs out of it. */
const args = EngineArgs.make({ maxNumSeqs: maxBatch, enablePrefixCaching: false })

class StaticBatchWorker implements Engine.WorkerCore {
  private readonly timing: Timing.TimingModel
  private readonly gaps: Engine.WorkerContext["gaps"]
  private readonly outcome = new Engine.PassOutcome()
  private waiting: Array<Request.SimRequest> = []
  private batch: Array<Request.SimRequest> = []

  constructor(timing: Timing.TimingModel, { gaps }: Engine.WorkerContext) {
    this.timing = timing
    this.gaps = gaps
  }

  get inFlight(): number {
    return this.waiting.length + this.batch.length
  }

  get queued(): number {
    return this.waiting.length
  }

  submit(request: Request.SimRequest): void {
    this.waiting.push(request)
  }

  abort(request: Request.SimRequest): boolean {
    const before = this.inFlight
    this.waiting = this.waiting.filter((each) => each !== request)
    this.batch = this.batch.filter((each) => each !== request)
    return this.inFlight < before
  }

  pass(nowMs: number): Engine.PassOutcome {
    const { outcome } = this
    outcome.begin(nowMs)
    if (this.batch.length === 0) this.prefill(nowMs)
    if (this.batch.length > 0) this.decode()
    return outcome
  }

  private prefill(nowMs: number): void {
    this.batch = this.waiting.splice(0, maxBatch)
    if (this.batch.length === 0) return
    for (const request of this.batch) request.admitted(nowMs, 0)
    const promptTokens = this.batch.reduce((sum, request) => sum + request.promptTokens, 0)
    const meanTokens = Math.floor(promptTokens / this.batch.length)
    this.outcome.prefillTokens = promptTokens
    this.outcome.prefillEndMs = nowMs + this.timing.prefillMs(this.batch.length, meanTokens, 0)
  }

  /** One token for everybody in the batch. */
  private decode(): void {
    const { batch, outcome } = this
    const contextTokens = batch.reduce((sum, request) => sum + request.promptTokens + request.emittedTokens, 0)
    const meanTokens = Math.floor(contextTokens / batch.length)
    const capacityTokens = args.numGpuBlocks * args.blockTokens
    const stepMs = this.timing.decodeMs(
      batch.length,
      Math.min(contextTokens, capacityTokens),
      meanTokens,
      capacityTokens
    )
    const tokenMs = outcome.prefillEndMs + stepMs
    for (const request of batch) {
      request.emittedTokens += 1
      if (request.emittedTokens === 1) request.firstTokenMs = tokenMs
      else this.gaps.add(tokenMs - request.lastTokenMs, 1, tokenMs)
      if (request.emittedTokens === 2) request.secondTokenMs = tokenMs
      request.lastTokenMs = tokenMs
      if (request.emittedTokens === request.outputTokens) outcome.signal(request, Engine.Signal.Completed)
      else if (request.emittedTokens === 1) outcome.signal(request, Engine.Signal.FirstToken)
    }
    outcome.emittedTokens = batch.length
    outcome.endMs = tokenMs
    outcome.worked()
    this.batch = batch.filter((request) => request.emittedTokens < request.outputTokens)
  }

  snapshot(): Engine.WorkerSnapshot {
    return {
      waiting: this.waiting.length,
      running: this.batch.length,
      activeBlocks: 0,
      availableBlocks: args.numGpuBlocks,
      cachedBlocks: 0,
      capacityBlocks: args.numGpuBlocks,
      preemptions: 0
    }
  }

  requests(): ReadonlyArray<Request.SimRequest> {
    return [...this.waiting, ...this.batch]
  }

  /** It holds no KV blocks. */
  markBlocks(): void {}

  checkInvariants(): void {
    if (this.batch.length > maxBatch) throw new Error(`a batch of ${this.batch.length} requests`)
  }
}

const staticBatching = Layer.effect(Engine.Engine)(
  Effect.map(Timing.Timing, (timing) =>
    Engine.Engine.of({
      args,
      kvEventVisibility: "pass-start",
      spawn: (context) => new StaticBatchWorker(timing.make(), context)
    })
  )
)

const replay = <E>(trace: Trace.TraceSource, engine: Layer.Layer<Engine.Engine, E, Timing.Timing>) =>
  Replay.run({ check: true }).pipe(
    Stream.run(Report.sink()),
    Effect.provide(
      Topology.layerSingle.pipe(
        Layer.provide(engine),
        Layer.provide(PolynomialTiming.layer),
        Layer.merge(Workload.layerOpenLoop({ trace })),
        Layer.merge(VirtualClock.layer)
      )
    )
  )

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    const continuous = yield* replay(trace, VllmEngine.layer(args))
    const fixed = yield* replay(trace, staticBatching)
    yield* Console.log(`continuous batching: mean TTFT ${continuous.mean_ttft_ms.toFixed(1)} ms`)
    yield* Console.log(`static batching:     mean TTFT ${fixed.mean_ttft_ms.toFixed(1)} ms`)
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
