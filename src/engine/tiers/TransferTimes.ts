/**
 * Tells whoever drives workers that ends of transfers between their KV tiers may have come, gone or moved: as long as {@link changes} is the
 * same, so is when the next one ends.
 */
export class TransferTimes {
  changes = 0
}
