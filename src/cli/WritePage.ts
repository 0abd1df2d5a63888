/** Writes a page about several runs; loaded only where one is asked for. */
import * as Effect from "effect/Effect"
import { packText } from "../html/PackedText.ts"
import { pageAssets } from "../html/PageAssets.ts"
import { type PackedPage, reportPage } from "../html/ReportPage.ts"
import * as OutputFile from "../report/OutputFile.ts"

export const writePage = Effect.fnUntraced(function* (path: string, kind: PackedPage["kind"], content: unknown) {
  const assets = yield* pageAssets
  yield* OutputFile.write(path, reportPage({ kind, packed: packText(JSON.stringify(content)) }, assets))
})
