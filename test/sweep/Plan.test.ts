/** Plans: what is wrong with them is told with its place, and the schema for editors says what the reader does. */
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { parse } from "yaml"
import { allPoints, cellsOf } from "../../src/sweep/Cell.ts"
import { planJsonSchema } from "../../src/sweep/PlanSchema.ts"
import { base, plan, planError } from "./Plans.ts"

const objective = "objective: minimise total_gpus"

const cellsAt = (text: string) => {
  const read = plan(text)
  const make = Result.getOrThrow(cellsOf(read))
  return allPoints(read.axes).map((point) => Result.getOrThrow(make(point)))
}

describe("plans", () => {
  it("names the place of what is unknown", () => {
    assert.strictEqual(
      planError(`bsae: {}\n${objective}`).split(" accepted")[0],
      "plan.yaml:1: bsae: unknown key; did you mean base?"
    )
    assert.strictEqual(
      planError(`base:\n  num-worker: 3\n${objective}`),
      "plan.yaml:2: num-worker: unknown option; did you mean num-workers?"
    )
    assert.strictEqual(
      planError(`axes:\n  num-wrokers: [1]\n${objective}`),
      "plan.yaml:2: axes.num-wrokers: unknown option; did you mean num-workers?"
    )
    assert.include(planError(`axes: {seed: [1, 2]}\n${objective}`), "list them under seeds")
    assert.include(planError(`axes: {num-workers: 3}\n${objective}`), "expected a list of values, got 3")
    assert.include(planError(`axes: {num-workers: []}\n${objective}`), "expected at least one value")
  })

  it("refuses axes of which one would undo another", () => {
    const of = (axes: string) => planError(`${objective}\naxes:\n${axes}`)
    assert.include(
      of("  num-workers: [1]\n  num_workers: [2]"),
      "plan.yaml:4: axes.num_workers: takes the place of axes.num-workers, which would change nothing; leave one of them out"
    )
    assert.include(
      of("  extra-engine-args.max_num_seqs: [1, 2]\n  extra-engine-args: [{}]"),
      "plan.yaml:4: axes.extra-engine-args: takes the place of axes.extra-engine-args.max_num_seqs"
    )
    assert.include(
      of("  num-workers: [1]\n  deployment: [{workers: 1}]"),
      "plan.yaml:3: axes.num-workers: the deployments say how many workers there are; leave one of the two out"
    )
    assert.include(of("  num-workers:\n    - 1\n    - 2\n    - 1"), "plan.yaml:6: axes.num-workers: has 1 twice")
    assert.isDefined(plan(`${objective}\naxes:\n  extra-engine-args: [{}]\n  extra-engine-args.max_num_seqs: [1, 2]`))
  })

  it("checks objectives and constraints", () => {
    assert.include(planError("axes: {}"), "says not what is looked for")
    assert.include(planError("objective: total_gpus"), '"total_gpus": is not an objective')
    assert.include(planError("objective: minimise total_gpu"), "did you mean total_gpus?")
    assert.include(planError("objective: minimise wall_time_ms"), "wall_time_ms is not a number in the report")
    assert.include(planError("pareto: [minimise total_gpus]"), "expected two or three objectives, got 1")
    assert.include(
      planError("pareto: [minimise total_gpus, minimise total_gpus]"),
      'plan.yaml:1: pareto: has "minimise total_gpus" twice'
    )
    assert.strictEqual(
      planError(`${objective}\nconstraints:\n  - p99_tfft_ms < 2 s`),
      'plan.yaml:3: constraints: "p99_tfft_ms < 2 s": p99_tfft_ms is not a number in the report; did you mean p99_ttft_ms?'
    )
    assert.include(planError(`${objective}\nseeds: [1, 1]`), "a list of different integers")
  })

  it("checks what find looks along", () => {
    const of = (text: string) => planError(`${objective}\naxes: {num-workers: [1, 2]}\n${text}`)
    const bound = "constraints: [p99_ttft_ms < 2 s]"
    assert.include(
      of(`find: num-wrkers\n${bound}`),
      "plan.yaml:3: find: num-wrkers is no axis of the plan; did you mean num-workers?"
    )
    assert.include(of("find: num-workers"), "looks for the first value that meets constraints, and there are none")
    assert.include(of(`search: find\n${bound}`), "find needs an axis to look along; name it: find: num-workers")
    assert.include(of(`search: grid\nfind: num-workers\n${bound}`), "cannot be combined with search: grid")
  })

  it("looks at an idle worker where a plan for find bounds a latency, and does not say itself how many are in flight", () => {
    const axesOf = (text: string) => plan(`${objective}\nfind: num-workers\n${text}`).axes.map(({ name }) => name)
    const axes = "axes: {num-workers: [1, 2]}"
    assert.deepStrictEqual(axesOf(`${axes}\nconstraints: [p99_ttft_ms < 2 s]`), ["num-workers", "replay-concurrency"])
    assert.deepStrictEqual(axesOf(`${axes}\nconstraints: [output_throughput_tok_s > 2]`), ["num-workers"])
    assert.deepStrictEqual(axesOf(`${axes}\nbase: {replay_concurrency: 4}\nconstraints: [p99_ttft_ms < 2 s]`), [
      "num-workers"
    ])
  })

  it("checks deployments", () => {
    const of = (preset: string) => planError(`${objective}\naxes:\n  deployment:\n    - ${preset}`)
    assert.strictEqual(of("{prefil: 1}"), "plan.yaml:4: axes.deployment: prefil: unknown key; did you mean prefill?")
    assert.include(of("{prefill: 1}"), "decode is missing; give workers, or both prefill and decode")
    assert.include(of("{workers: 0}"), "workers: expected an integer of at least 1, got 0")
    assert.include(of("3"), "expected worker counts, got 3")
  })

  it("tells a wrong value of an axis by its place", () => {
    const read = plan(`base: ${base}\n${objective}\naxes:\n  num-workers: [1, two]`)
    const made = Result.getOrThrow(cellsOf(read))([1])
    assert.include(Result.getOrThrow(Result.flip(made)).message, "plan.yaml:4: num-workers: expected")
  })

  it("resolves every combination, the last axis fastest, inside objects too", () => {
    const cells = cellsAt(
      `base: {input-tokens: 100, output-tokens: 10, request-count: 2, arrival-interval-ms: 1, extra-engine-args: '{"block_size": 32}'}\n`
        + `${objective}\nseeds: [7, 8]\naxes:\n  num-workers: [2, 3]\n  extra-engine-args.max_num_seqs: [16, 32]`
    ).flatMap((made) => ("_tag" in made ? [] : made))
    assert.deepStrictEqual(
      cells.map(({ index, options: { deployment, seed } }) =>
        deployment._tag === "Aggregated"
          ? [index, deployment.workers, deployment.engine.maxNumSeqs, deployment.engine.blockTokens, seed]
          : []
      ),
      [
        [0, 2, 16, 32, 7],
        [1, 2, 16, 32, 8],
        [2, 2, 32, 32, 7],
        [3, 2, 32, 32, 8],
        [4, 3, 16, 32, 7],
        [5, 3, 16, 32, 8],
        [6, 3, 32, 32, 7],
        [7, 3, 32, 32, 8]
      ]
    )
  })

  it("deploys one base aggregated and disaggregated", () => {
    const cells = cellsAt(
      `base: {input-tokens: 100, output-tokens: 10, request-count: 2, arrival-interval-ms: 1, extra-engine-args: {block_size: 32}, decode-engine-args: {max_num_seqs: 8}}\n`
        + `${objective}\naxes:\n  deployment: [{workers: 2}, {prefill: 2, decode: 3}]`
    ).flatMap((made) => ("_tag" in made ? [] : made))
    const [aggregated, disaggregated] = cells.map(({ options }) => options.deployment)
    assert.strictEqual(aggregated?._tag === "Aggregated" && aggregated.workers, 2)
    assert(disaggregated?._tag === "Disaggregated")
    assert.deepStrictEqual([disaggregated.prefillWorkers, disaggregated.decodeWorkers], [2, 3])
    assert.deepStrictEqual([disaggregated.prefill.blockTokens, disaggregated.decode.maxNumSeqs], [32, 8])
  })

  it("varies one group of different workers, by its place in the list", () => {
    const groups = (axis: string) =>
      `base:\n  input-tokens: 5\n  output-tokens: 5\n  request-count: 1\n  extra-engine-args: [{num_gpu_blocks: 100}, {num_gpu_blocks: 50}]\naxes: {${axis}}\n${objective}`
    const cells = cellsAt(groups("extra-engine-args.1.num_gpu_blocks: [60, 70]"))
    const sizes = cells
      .flatMap((made) => ("_tag" in made ? [] : made))
      .map(({ options: { deployment } }) =>
        deployment._tag === "Aggregated" ? deployment.groups?.map(({ engine }) => engine.numGpuBlocks) : undefined
      )
    assert.deepStrictEqual(sizes, [
      [100, 60],
      [100, 70]
    ])
    const problemOf = (axis: string) => {
      const cells = cellsOf(plan(groups(axis)))
      return Result.isFailure(cells) ? cells.failure.message : undefined
    }
    assert.include(problemOf("extra-engine-args.num_gpu_blocks: [60]"), "extra-engine-args is a list of groups")
    assert.include(problemOf("extra-engine-args.2.num_gpu_blocks: [60]"), "extra-engine-args is a list of groups")
    assert.include(problemOf("deployment: [{workers: 2}]"), "a list says itself how many workers there are")
  })

  it("refuses bases that do not make a sweep", () => {
    const of = (option: string) => {
      const read = plan(
        `base: {input-tokens: 100, output-tokens: 10, request-count: 2, arrival-interval-ms: 1, ${option}}\n${objective}`
      )
      return Result.getOrThrow(Result.flip(Result.getOrThrow(cellsOf(read))([]))).message
    }
    assert.include(of("replay-mode: online"), "a sweep runs offline")
    assert.include(of("report-json: x.json"), "reports of a sweep go to its results folder")
  })

  it("are checked by editors as they are here", () => {
    const read = (file: string): Record<string, unknown> => JSON.parse(readFileSync(file, "utf8"))
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(read("data/schema/config.schema.json"), "file:///schema/config.schema.json")
    const isPlan = ajv.compile({ ...read("data/schema/sweep.schema.json"), $id: "file:///schema/sweep.schema.json" })
    const written: Record<string, unknown> = parse(readFileSync("examples/sweep.yaml", "utf8"))
    assert.isTrue(isPlan(written), ajv.errorsText(isPlan.errors))
    const hostMemory: unknown = parse(readFileSync("examples/host-memory-sweep.yaml", "utf8"))
    assert.isTrue(isPlan(hostMemory), ajv.errorsText(isPlan.errors))
    assert.isTrue(isPlan({ ...written, axes: { deployment: "auto" }, search: "descent" }))
    assert.isTrue(isPlan({ ...written, axes: { deployment: [{ workers: 1, tp: 8, moe_ep: 8 }] }, stop_early: true }))
    for (const wrong of [
      { base: { "num-worker": 3 } },
      { axes: { deployment: "all" } },
      { axes: { deployment: [{ worker: 1 }] } },
      { serach: "grid" }
    ]) {
      assert.isFalse(isPlan({ ...written, ...wrong }), JSON.stringify(wrong))
    }
  })

  it("has the schema that is published", () => {
    const published: unknown = JSON.parse(readFileSync("data/schema/sweep.schema.json", "utf8"))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(planJsonSchema())), published)
  })
})
