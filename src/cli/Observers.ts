/** What a replay writes beside its report while it runs, and the probes that see it; loaded only where it is asked for. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { OutputError } from "../report/ReportError.ts"
import * as OutputFile from "../report/OutputFile.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import { type ColumnOptions, requestColumns } from "../report/RequestColumns.ts"
import { writeRequestLinesTo } from "../report/RequestLinesFile.ts"
import { writeTableTo } from "../report/TableFile.ts"
import { tableFormatOf } from "../report/TableFormat.ts"
import type { Outputs, SeriesOutput, TimelineOutput } from "../run/ReplayOptions.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import { isGzipName } from "./OutputForm.ts"

type Through = <E, R>(events: Stream.Stream<ReplayEvent, E, R>) => Stream.Stream<ReplayEvent, E | OutputError, R>

export interface Observer {
  readonly probe?: RunProbe
  /** Writes while the events pass by. */
  readonly through: Through
  /** Writes what is known at the end; gives what the user should know. */
  readonly finish: Effect.Effect<ReadonlyArray<string>, OutputError, OutputFile.OutputServices>
}

/** A file that comes piece by piece, which the run goes on without if it must. */
const openPieces = (path: string) =>
  Effect.map(OutputFile.open(path), (opened) => {
    const { file, verdict } = OutputFile.dispensable(opened)
    return { file, finish: Effect.as(verdict, []) }
  })

const requestObserver = Effect.fnUntraced(function* (
  path: string,
  columns: ColumnOptions
): Effect.fn.Return<Observer, OutputError, OutputFile.OutputServices | Scope.Scope> {
  const format = tableFormatOf(path) ?? "jsonl"
  const { file, finish } = yield* openPieces(path)
  if (format === "jsonl") return { through: writeRequestLinesTo(file, columns.engineProfile, columns.window), finish }
  const { rowAdder, tableWriter } = yield* Effect.promise(() => import("../report/TableWriter.ts"))
  const table = requestColumns(columns)
  const writer = yield* Effect.promise(() => tableWriter(format, table))
  const add = rowAdder(writer, table)
  const see = (events: ReadonlyArray<ReplayEvent>): void => {
    for (const event of events) if (event._tag === "Request" && event.status !== "in_flight") add(event)
  }
  return { through: writeTableTo(file, writer, see), finish }
})

const seriesObserver = Effect.fnUntraced(function* ({
  intervalMs,
  path
}: SeriesOutput): Effect.fn.Return<Observer, OutputError, OutputFile.OutputServices | Scope.Scope> {
  const [{ SeriesWriter }, { seriesColumns }, { tableWriter }] = yield* Effect.promise(() =>
    Promise.all([
      import("../observe/SeriesWriter.ts"),
      import("../observe/SeriesRow.ts"),
      import("../report/TableWriter.ts")
    ])
  )
  const { file, finish } = yield* openPieces(path)
  const writer = yield* Effect.promise(() => tableWriter(tableFormatOf(path) ?? "csv", seriesColumns))
  const probe = new SeriesWriter(intervalMs, writer)
  return { probe, through: writeTableTo(file, writer), finish }
})

/**
 * Compresses pieces, each before the next one is asked for: they do not last, and need no copies so. Timelines repeat themselves so much that
 * the fastest level is nearly as good as the others, and so soon that looking back further than 8 kB makes the files larger.
 */
const gzipped = async function* (pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { createGzip } = await import("node:zlib")
  const gzip = createGzip({ level: 1, windowBits: 13, chunkSize: 2 ** 18 })
  const compressed: Array<Uint8Array> = []
  gzip.on("data", (chunk: Uint8Array) => compressed.push(chunk))
  // Whoever waits for a write or for the end is told as well.
  gzip.on("error", () => {})
  try {
    for (const piece of pieces) {
      await new Promise<void>((resolve, reject) => gzip.write(piece, (error) => (error ? reject(error) : resolve())))
      yield* compressed.splice(0)
    }
    await new Promise<void>((resolve, reject) => gzip.once("end", resolve).once("error", reject).end())
    yield* compressed
  } finally {
    gzip.destroy()
  }
}

const timelineObserver = Effect.fnUntraced(function* ({
  path,
  ...options
}: TimelineOutput): Effect.fn.Return<Observer> {
  const [{ TimelineProbe }, { timelineBytes }] = yield* Effect.promise(() =>
    Promise.all([import("../observe/TimelineProbe.ts"), import("../observe/TimelineText.ts")])
  )
  const probe = new TimelineProbe(options)
  const write = Effect.suspend(() =>
    OutputFile.writeStream(
      path,
      isGzipName(path)
        ? Stream.orDie(Stream.fromAsyncIterable(gzipped(timelineBytes(probe)), identity))
        : Stream.fromIterable(timelineBytes(probe), { chunkSize: 1 })
    )
  )
  const sampled = Effect.sync((): ReadonlyArray<string> => {
    const { everyRequests, passesPerGroup } = probe.sampling
    const parts = [
      ...(everyRequests > options.everyRequests ? [`holds one request of ${everyRequests}`] : []),
      ...(passesPerGroup > 1 ? [`draws up to ${passesPerGroup} passes as one`] : [])
    ]
    return parts.length === 0
      ? []
      : [
          `${path} ${parts.join(" and ")} to stay near ${options.maxBytes / 1e6} MB; see --timeline-max-mb and --timeline-from-seconds`
        ]
  })
  return { probe, through: identity, finish: Effect.andThen(write, sampled) }
})

/** Opens everything that is asked for. Files that come piece by piece belong to the scope. */
export const openObservers = Effect.fnUntraced(function* (
  { reportJsonl, series, timeline }: Outputs,
  columns: ColumnOptions
): Effect.fn.Return<ReadonlyArray<Observer>, OutputError, OutputFile.OutputServices | Scope.Scope> {
  return [
    ...(reportJsonl === undefined ? [] : [yield* requestObserver(reportJsonl, columns)]),
    ...(series === undefined ? [] : [yield* seriesObserver(series)]),
    ...(timeline === undefined ? [] : [yield* timelineObserver(timeline)])
  ]
})

/** One after the other. */
export const throughAll =
  (observers: ReadonlyArray<Observer>): Through =>
  <E, R>(events: Stream.Stream<ReplayEvent, E, R>) =>
    observers.reduce<Stream.Stream<ReplayEvent, E | OutputError, R>>((stream, { through }) => through(stream), events)
