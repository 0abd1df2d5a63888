import { assert, describe, it } from "@effect/vitest"
import { OutOfMemory, spawnWorkers } from "../../src/simulation/WorkerMemory.ts"
import { programIn } from "../cli/Program.ts"

describe("spawnWorkers", () => {
  it("makes workers in order", () => {
    for (const blocks of [1, 50_000_000])
      assert.deepStrictEqual(
        spawnWorkers(3, blocks, (index) => index),
        [0, 1, 2]
      )
  })

  it("stops after the first worker where all would take more memory than there is", () => {
    const spawned: Array<Uint8Array> = []
    const spawn = () => spawned.push(new Uint8Array(50_000_000).fill(1))
    assert.throws(
      () => spawnWorkers(10_000_000, 1_000, spawn),
      OutOfMemory,
      /^10000000 workers of 1000 KV blocks need another/
    )
    assert.strictEqual(spawned.length, 1)
  })
})

describe("a run that the machine has no memory for", () => {
  const row = JSON.stringify({ timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1] })

  it.effect("ends with one line that names the settings", () =>
    programIn(
      { "a.jsonl": row },
      ["replay", "a.jsonl", "--num-workers=60000", "--extra-engine-args", '{"num_gpu_blocks": 3000000}'],
      ({ exit, stderr, stdout }, folder) => {
        assert.match(
          stderr,
          /^error: not enough memory for 60000 x 3000000 KV blocks: .* GiB left; lower num_gpu_blocks, the number of workers, or [^\n]*$/
        )
        assert.strictEqual(exit, 1)
        assert.strictEqual(stdout, "")
        assert.deepStrictEqual(folder.added(), [])
      }
    )
  )
})
