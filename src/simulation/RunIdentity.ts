/** The block identities of one run: by hash ids where prompts are lists of those, by token runs where they are more. */
import type { BlockIdentity } from "../request/BlockIdentity.ts"
import { HashIdTrie } from "../request/HashIdTrie.ts"
import { TokenRunIdentity } from "../request/TokenRunIdentity.ts"
import type { Workload } from "../workload/Workload.ts"

/** `capacityBlocks`: the most blocks that a worker of the run can hold. */
export const identityFor = (
  workload: Workload["Service"],
  blockTokens: number,
  capacityBlocks: number
): BlockIdentity =>
  workload.usesTokenRuns
    ? new TokenRunIdentity(workload.traceBlockTokens, blockTokens, capacityBlocks)
    : new HashIdTrie(workload.traceBlockTokens, blockTokens)
