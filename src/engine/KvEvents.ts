/**
 * What a worker tells the router about its prefix cache.
 *
 * vLLM-style engines publish while a pass is computed (the router sees them at pass start), SGLang-style ones at
 * pass end; {@link KvEventBuffer} holds them back for the latter.
 */
import type { BlockHolder, MarkBlocks } from "../request/BlockIdentity.ts"

/** Takes the cache changes of one worker, in order. Blocks with consecutive identities may come in one call. */
export interface KvEventSink {
  /** The `count` blocks with the identities `first …` are now cached on the worker. Privately generated blocks are never announced. */
  stored(first: number, count: number): void
  /** These blocks were evicted, the last one first. */
  removed(first: number, count: number): void
}

/** Where a worker tells what its KV tiers below the device hold; it is seen at once. */
export interface TierEventSinks {
  readonly host: KvEventSink
  /** A disk of the worker's own. */
  readonly disk: KvEventSink
  /** A disk that it shares with others; one sink for all of them. */
  readonly sharedDisk: KvEventSink
}

/** When a router hears of what a pass caches and evicts. */
export type KvEventVisibility = "pass-start" | "pass-end"

/** What an engine's arguments say about it (`kv_events_at`), else the way of its kind. */
export const kvEventVisibilityOf = (
  { kvEventsAt }: { readonly kvEventsAt: "pass_start" | "pass_end" | undefined },
  usual: KvEventVisibility
): KvEventVisibility => (kvEventsAt === undefined ? usual : kvEventsAt === "pass_start" ? "pass-start" : "pass-end")

/** Keeps events in order until {@link KvEventBuffer.flush}. */
export class KvEventBuffer implements KvEventSink, BlockHolder {
  /** First identity of a run, its bitwise complement for a removal: identities are never negative. Its length follows. */
  private readonly encoded: Array<number> = []

  stored(first: number, count: number): void {
    this.encoded.push(first, count)
  }

  removed(first: number, count: number): void {
    this.encoded.push(~first, count)
  }

  get isEmpty(): boolean {
    return this.encoded.length === 0
  }

  markBlocks(mark: MarkBlocks): void {
    const { encoded } = this
    for (let at = 0; at < encoded.length; at += 2)
      mark(encoded[at]! >= 0 ? encoded[at]! : ~encoded[at]!, encoded[at + 1]!)
  }

  flush(sink: KvEventSink): void {
    if (this.encoded.length === 0) return
    const { encoded } = this
    for (let at = 0; at < encoded.length; at += 2) {
      const code = encoded[at]!
      if (code >= 0) sink.stored(code, encoded[at + 1]!)
      else sink.removed(~code, encoded[at + 1]!)
    }
    encoded.length = 0
  }
}
