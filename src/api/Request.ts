/** Requests, as engines, routers and reports see them. */
export {
  SimRequest,
  emptyBlocks,
  noRoutingHints,
  type HandoffStamps,
  type RequestRecord,
  type RequestStatus,
  type RoutingHints,
  type SimRequestInit
} from "../request/SimRequest.ts"
export type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
