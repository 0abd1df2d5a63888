/** A page about several runs: what it shows as packed JSON. */
import * as Effect from "effect/Effect"
import { packText } from "./PackedText.ts"
import { pageAssets } from "./PageAssets.ts"
import { type PackedPage, reportPage } from "./ReportPage.ts"

export const packedPage = (kind: PackedPage["kind"], content: unknown) =>
  Effect.map(pageAssets, (assets) => reportPage({ kind, packed: packText(JSON.stringify(content)) }, assets))
