/** Engine arguments for tests: the defaults, with what a test cares about changed. */
import { defaultEngineArgs, type EngineArgs } from "../../src/engine/EngineArgs.ts"

export const engineArgs = (changes: Partial<EngineArgs> = {}): EngineArgs => ({ ...defaultEngineArgs, ...changes })
