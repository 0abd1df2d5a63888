/**
 * What a worker tells the router about its prefix cache.
 *
 * vLLM-style engines publish while a pass is computed (the router sees them at pass start), SGLang-style ones at
 * pass end; {@link KvEventBuffer} holds them back for the latter.
 */
import type { BlockHolder } from "../request/BlockIdentity.ts"

/** Takes the cache changes of one worker, in order. */
export interface KvEventSink {
  /** A block with this identity is now cached on the worker. Privately generated blocks are never announced. */
  stored(block: number): void
  /** The block was evicted. */
  removed(block: number): void
}

export type KvEventVisibility = "pass-start" | "pass-end"

/** What an engine's arguments say about it (`kv_events_at`), else the way of its kind. */
export const kvEventVisibilityOf = (
  { kvEventsAt }: { readonly kvEventsAt: "pass_start" | "pass_end" | undefined },
  usual: KvEventVisibility
): KvEventVisibility => (kvEventsAt === undefined ? usual : kvEventsAt === "pass_start" ? "pass-start" : "pass-end")

/** Keeps events in order until {@link KvEventBuffer.flush}. */
export class KvEventBuffer implements KvEventSink, BlockHolder {
  /** Identity for a store, its bitwise complement for a removal: identities are never negative. */
  private readonly encoded: Array<number> = []

  stored(block: number): void {
    this.encoded.push(block)
  }

  removed(block: number): void {
    this.encoded.push(~block)
  }

  get isEmpty(): boolean {
    return this.encoded.length === 0
  }

  markBlocks(mark: (block: number) => void): void {
    for (const code of this.encoded) mark(code >= 0 ? code : ~code)
  }

  flush(sink: KvEventSink): void {
    for (const code of this.encoded) {
      if (code >= 0) sink.stored(code)
      else sink.removed(~code)
    }
    this.encoded.length = 0
  }
}
