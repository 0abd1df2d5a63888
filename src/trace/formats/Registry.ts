/** All formats of somebody else, by the names that users give them. */
import { openAiPerf } from "./AiPerf.ts"
import { openAzure } from "./Azure.ts"
import { openBailian } from "./Bailian.ts"
import { openBurstGpt } from "./BurstGpt.ts"
import { openColumns } from "./Columns.ts"
import type { OpenForeign } from "./ForeignFormat.ts"
import { openOpenTelemetry } from "./OpenTelemetry.ts"
import { openSplitwise } from "./Splitwise.ts"
import { openTraceLab } from "./TraceLab.ts"
import { openUsage } from "./Usage.ts"
import { openVidur } from "./Vidur.ts"
import { openVllmLog } from "./VllmLog.ts"
import { openWeka } from "./Weka.ts"

export const foreignFormats = {
  azure: openAzure,
  burstgpt: openBurstGpt,
  vidur: openVidur,
  splitwise: openSplitwise,
  bailian: openBailian,
  aiperf: openAiPerf,
  weka: openWeka,
  tracelab: openTraceLab,
  otel: openOpenTelemetry,
  usage: openUsage,
  "vllm-log": openVllmLog,
  columns: openColumns
} as const satisfies Readonly<Record<string, OpenForeign>>

export type ForeignFormatName = keyof typeof foreignFormats
