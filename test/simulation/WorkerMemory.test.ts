import { assert, describe, it } from "@effect/vitest"
import { checkWorkerMemory, OutOfMemory } from "../../src/simulation/WorkerMemory.ts"
import { programIn } from "../cli/Program.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"

describe("checkWorkerMemory", () => {
  const args = engineArgs({ numGpuBlocks: 10_000_000 })
  const tiered = engineArgs({ numGpuBlocks: 1000, numG2Blocks: 10_000_000, kvBytesPerToken: 1 })

  it("refuses tiers larger than what the machine has left, before any of it is made", () => {
    assert.throws(
      () => checkWorkerMemory(1_000_000, tiered),
      OutOfMemory,
      /^1,000,000 workers of 1,000 KV blocks and 10,000,000 in host memory need 372538\.3 GiB, the machine has \d+\.\d GiB left$/
    )
  })

  it("refuses more workers than fit, whatever they hold", () => {
    assert.throws(
      () => checkWorkerMemory(1_000_000_000, args),
      OutOfMemory,
      /^1,000,000,000 workers of 10,000,000 KV blocks need 9313\.2 GiB, the machine has \d+\.\d GiB left$/
    )
  })

  it("accepts pools that only grow with what is cached", () => {
    checkWorkerMemory(2, engineArgs())
    checkWorkerMemory(1_000, args)
    checkWorkerMemory(1_000, { ...args, engineType: "sglang" })
  })
})

describe("a run that the machine has no memory for", () => {
  const row = JSON.stringify({ timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1] })

  it.effect("ends with one line that names the settings", () =>
    programIn(
      { "a.jsonl": row },
      [
        "replay",
        "a.jsonl",
        "--num-workers=60000",
        "--extra-engine-args",
        '{"num_gpu_blocks": 3000000, "num_g2_blocks": 3000000, "kv_bytes_per_token": 1}'
      ],
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
