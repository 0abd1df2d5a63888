/** Engine arguments: units, ranges, defaults and checks. */
export {
  decodeEngineArgs,
  defaultEngineArgs,
  engineArgsOf,
  make,
  type EngineArgs,
  type EngineType,
  type GivenEngineArgs,
  type MtpArgs,
  type QueuePolicy,
  type WorkerType
} from "../engine/EngineArgs.ts"
