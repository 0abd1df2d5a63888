/**
 * Memory of large columns that are needed to the end of a run. Nobody shares it, but V8 does not count it either: for other memory it would call
 * the collector, though there is nothing to collect.
 *
 * Browsers have it for some pages only.
 */
export const UncountedMemory = typeof SharedArrayBuffer === "undefined" ? ArrayBuffer : SharedArrayBuffer
