/** Text that says the same again and again, small: deflated, in base64. The page undoes it (`tools/html/Unpack.mjs`). */
import * as Base64 from "effect/encoding/Base64"
import { deflateRawSync } from "../host/Node.ts"

export const packText = (text: string): string => Base64.encode(deflateRawSync(new TextEncoder().encode(text)))
