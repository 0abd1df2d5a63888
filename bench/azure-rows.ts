/** Prints rows in the shape of the Azure LLM inference trace of 2023: `node bench/azure-rows.ts ROWS > azure.csv`. */
import { once } from "node:events"
import { Pcg32 } from "../src/structures/Pcg32.ts"

const rows = Number(process.argv[2] ?? 1_000_000)
const random = new Pcg32(1)
const startMs = Date.UTC(2023, 10, 16)

/** Mean 1, heavy-tailed enough for the buffers of a reader. */
const exponential = (): number => -Math.log(1 - random.unit())

process.stdout.write("TIMESTAMP,ContextTokens,GeneratedTokens\n")
let ms = 0
let text = ""
for (let row = 0; row < rows; row++) {
  ms += exponential() * 200
  const moment = new Date(startMs + Math.floor(ms)).toISOString().slice(0, 23).replace("T", " ")
  const ticks = String(Math.floor((ms % 1) * 1e4)).padStart(4, "0")
  const prompt = 3 + Math.min(7434, Math.floor(exponential() * 1200))
  text += `${moment}${ticks},${prompt},${1 + Math.min(999, Math.floor(exponential() * 200))}\n`
  if (text.length > 1 << 20 || row === rows - 1) {
    if (!process.stdout.write(text)) await once(process.stdout, "drain")
    text = ""
  }
}
