/**
 * Writes the conversation trace over and over, times and hash ids shifted, until there are enough requests:
 *
 *     node bench/repeat-trace.ts REQUESTS > big.jsonl
 *
 * Each repetition starts where the previous one ended (the last arrival plus the mean gap) and shares no hash id with it.
 */
import { createReadStream } from "node:fs"
import { resolve } from "node:path"
import { createInterface } from "node:readline"

const trace = resolve(import.meta.dirname, "../traces/conversation_trace.jsonl")

interface Row {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
  readonly hash_ids: ReadonlyArray<number>
}

const wanted = Number(process.argv[2])
if (!Number.isInteger(wanted) || wanted < 1) {
  process.stderr.write("usage: node bench/repeat-trace.ts REQUESTS > FILE\n")
  process.exit(2)
}

const rows: Array<Row> = []
for await (const line of createInterface({ input: createReadStream(trace) })) rows.push(JSON.parse(line))

const lastMs = rows.at(-1)!.timestamp
const periodMs = Math.round(lastMs + lastMs / (rows.length - 1))
const ids = 1 + rows.reduce((max, row) => row.hash_ids.reduce((a, b) => Math.max(a, b), max), 0)

let chunk = ""
for (let written = 0; written < wanted; written++) {
  const repetition = Math.floor(written / rows.length)
  const row = rows[written % rows.length]!
  chunk +=
    JSON.stringify({
      ...row,
      timestamp: row.timestamp + repetition * periodMs,
      hash_ids: row.hash_ids.map((id) => id + repetition * ids)
    }) + "\n"
  if (chunk.length < 1 << 20 && written + 1 < wanted) continue
  if (!process.stdout.write(chunk)) await new Promise((done) => process.stdout.once("drain", done))
  chunk = ""
}
