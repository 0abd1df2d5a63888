/** Pages to look at, of a run, a sweep or a comparison: one file each with everything in it, that asks for nothing else. */
import type { PackedColumn } from "./PackedColumns.ts"
import type { PackedRequests } from "./RequestTable.ts"

/** Script and style of the page, as built from `tools/html` and uPlot. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

export interface RunPage {
  readonly kind: "run"
  /** The report of the run, as its file has it. */
  readonly report: unknown
  readonly requests: PackedRequests
  readonly series: Readonly<Record<string, PackedColumn>>
}

export interface PackedPage {
  readonly kind: "sweep" | "comparison"
  /** JSON of what it shows, packed. */
  readonly packed: string
}

export type Page = RunPage | PackedPage

/** No policy of a browser lets the page reach out, whatever a trace has written into it. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

export const reportPage = (page: Page, { script, style }: PageAssets): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>dynosim ${page.kind}</title>
<style>${style}</style>
</head>
<body>
<header><h1>dynosim ${page.kind}</h1><p id="lead"></p></header>
<main id="page"><noscript>This page draws its charts with JavaScript.</noscript></main>
<script type="application/json" id="data">${inert(JSON.stringify(page))}</script>
<script type="module">${script}</script>
</body>
</html>
`

/** Names from a trace cannot end the element that they stand in. */
const inert = (json: string): string => json.replaceAll("<", String.raw`\u003c`)
