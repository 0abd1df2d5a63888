import { emptyBlocks } from "../../request/SimRequest.ts"

/** Copies of one request's blocks; once the request has let go of those, they are held here. */
export class CopyHolder {
  /** Copies that have not ended. */
  copies = 0
  slots: Int32Array = emptyBlocks
  heldBlocks = 0
}
