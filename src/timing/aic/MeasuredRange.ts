/** Notes whether a look-up since the last reset left what was measured. One per model, shared by all its look-ups. */
export class MeasuredRange {
  left = false
}
