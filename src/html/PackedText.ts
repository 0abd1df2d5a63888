/** Text that says the same again and again, small: deflated, in base64. The page undoes it (`tools/html/Unpack.mjs`). */
import * as Base64 from "effect/encoding/Base64"
import { deflateSync } from "fflate"

export const packText = (text: string): string =>
  Base64.encode(deflateSync(new TextEncoder().encode(text), { level: 9 }))
