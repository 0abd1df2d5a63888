/**
 * Which requests of an agent trace wait for which: inferred from sessions and times, or told by tool calls.
 *
 * - Requests of one session follow each other.
 * - The first request of a child session waits for the parent session's request that was started last before it.
 * - The parent session's first request after the child session's end waits for the child's request that ended last.
 * - A tool call that names a child session replaces the last two guesses by the requests it names.
 */
import type { DynamoToolLink, FinishedRequest } from "./DynamoReader.ts"
import { TraceError } from "./TraceError.ts"

/** A request with its position in the sorted trace. */
interface Placed {
  readonly request: FinishedRequest
  readonly index: number
}

interface AgentSession {
  readonly requests: Array<Placed>
  parentId: string | undefined
}

const executionModes = new Set(["blocking", "background"])

const utf8 = new TextEncoder()

/** By code point, which is the order of the UTF-8 bytes. */
export const compareBytes = (a: string, b: string): number => {
  const first = utf8.encode(a)
  const second = utf8.encode(b)
  const end = Math.min(first.length, second.length)
  let at = 0
  while (at < end && first[at] === second[at]) at += 1
  return at < end ? first[at]! - second[at]! : first.length - second.length
}

const endsLater = (a: FinishedRequest, b: FinishedRequest): boolean =>
  (a.endMs - b.endMs || a.startMs - b.startMs || compareBytes(a.id, b.id)) > 0

const refuse = (place: FinishedRequest | DynamoToolLink, problem: string): TraceError =>
  new TraceError({ file: place.file, line: place.line, problem })

const gatherSessions = (requests: ReadonlyArray<FinishedRequest>): Map<string, AgentSession> | TraceError => {
  const sessions = new Map<string, AgentSession>()
  for (let index = 0; index < requests.length; index++) {
    const request = requests[index]!
    const { id, parentId } = request.session ?? { id: "", parentId: undefined }
    const session = sessions.get(id) ?? { requests: [], parentId }
    sessions.set(id, session)
    session.requests.push({ request, index })
    session.parentId ??= parentId
    if (parentId !== undefined && parentId !== session.parentId) {
      return refuse(
        request,
        `session ${id} has conflicting parent_session_id values: ${session.parentId} and ${parentId}`
      )
    }
  }
  return sessions
}

/** The link that names each child session, once every link is known to make sense. */
const gatherLinks = (
  links: ReadonlyArray<DynamoToolLink>,
  byId: ReadonlyMap<string, Placed>
): Map<string, DynamoToolLink> | TraceError => {
  const byChild = new Map<string, DynamoToolLink>()
  for (const link of links) {
    const { childSessionId, consumerId, executionMode, sessionId, sourceId, toolCallId } = link
    if (!executionModes.has(executionMode)) {
      return refuse(
        link,
        `tool ${toolCallId} has unsupported execution_mode ${executionMode}; it is blocking or background`
      )
    }
    for (const id of consumerId === undefined ? [sourceId] : [sourceId, consumerId]) {
      const named = byId.get(id)
      if (named === undefined) return refuse(link, `tool ${toolCallId} references unknown request_id ${id}`)
      if (named.request.session?.id !== sessionId) {
        return refuse(link, `tool ${toolCallId} request ${id} belongs to a different session`)
      }
    }
    if (childSessionId === undefined) continue
    if (byChild.has(childSessionId))
      return refuse(link, `multiple tool events reference child session ${childSessionId}`)
    byChild.set(childSessionId, link)
  }
  return byChild
}

/** Gathers what each request waits for; naming one twice counts once. */
class EdgeList {
  readonly awaited: ReadonlyArray<Set<number>>

  constructor(requests: number) {
    this.awaited = Array.from({ length: requests }, () => new Set<number>())
  }

  add(waiting: Placed | undefined, awaited: Placed | undefined): void {
    if (waiting !== undefined && awaited !== undefined) this.awaited[waiting.index]!.add(awaited.index)
  }
}

const addGuesses = (edges: EdgeList, child: AgentSession, last: Placed, parent: AgentSession): void => {
  const first = child.requests[0]!
  edges.add(
    first,
    parent.requests.findLast(({ request }) => request.startMs <= first.request.startMs)
  )
  edges.add(
    parent.requests.find(({ request }) => request.startMs >= last.request.endMs),
    last
  )
}

/**
 * Positions of the requests that each request waits for. `requests` must be sorted; all must have a session.
 */
export const dynamoEdges = (
  requests: ReadonlyArray<FinishedRequest>,
  links: ReadonlyArray<DynamoToolLink>
): ReadonlyArray<ReadonlySet<number>> | TraceError => {
  const sessions = gatherSessions(requests)
  if (sessions instanceof TraceError) return sessions
  const byId = new Map(requests.map((request, index) => [request.id, { request, index }]))
  const linkOf = gatherLinks(links, byId)
  if (linkOf instanceof TraceError) return linkOf
  const edges = new EdgeList(requests.length)
  for (const [id, session] of sessions) {
    session.requests.forEach((placed, turn) => edges.add(placed, session.requests[turn - 1]))
    const last = session.requests.reduce((latest, placed) =>
      endsLater(placed.request, latest.request) ? placed : latest
    )
    const link = linkOf.get(id)
    if (link !== undefined) {
      edges.add(session.requests[0], byId.get(link.sourceId))
      edges.add(link.consumerId === undefined ? undefined : byId.get(link.consumerId), last)
    } else {
      const parent = session.parentId === undefined ? undefined : sessions.get(session.parentId)
      if (parent !== undefined) addGuesses(edges, session, last, parent)
    }
  }
  return edges.awaited
}
