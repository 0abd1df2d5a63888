/**
 * The KV memory of an SGLang-style worker as the reference describes it, in the plainest form: token by token, every look-up from
 * the root, a time on every node, one list of slots per request. The real one keeps identities, frames and lazy times instead;
 * that the two agree is what the property test shows.
 */

interface Node {
  key: Array<string>
  slots: Array<number>
  parent: Node | undefined
  children: Array<Node>
  locks: number
  usedAt: number
}

export interface ModelRequest {
  tokens: Array<string>
  readonly promptTokens: number
  slots: Array<number>
  cached: number
  node: Node | undefined
  reserved: Array<number>
}

const common = (left: ReadonlyArray<string>, right: ReadonlyArray<string>): number => {
  let length = 0
  while (length < left.length && length < right.length && left[length] === right[length]) length += 1
  return length
}

export class KvModel {
  /** Free slots, top last. */
  readonly stack: Array<number>
  private readonly pageTokens: number
  private readonly root: Node = { key: [], slots: [], parent: undefined, children: [], locks: 0, usedAt: 0 }
  private clock = 0
  /** Hash of the prefix up to and including a page, by its last slot. */
  private readonly hashes = new Map<number, string>()
  private readonly carriers = new Map<string, number>()

  constructor(capacityTokens: number, pageTokens: number) {
    this.pageTokens = pageTokens
    this.stack = Array.from({ length: capacityTokens }, (_, level) => capacityTokens - 1 - level)
  }

  get evictable(): number {
    return this.nodes()
      .filter((node) => node.locks === 0)
      .reduce((sum, node) => sum + node.key.length, 0)
  }

  /** Hashes that are announced. */
  get announced(): ReadonlyArray<string> {
    return [...this.carriers.keys()]
  }

  floorToPage(tokens: number): number {
    return Math.floor(tokens / this.pageTokens) * this.pageTokens
  }

  ceilToPage(tokens: number): number {
    return Math.ceil(tokens / this.pageTokens) * this.pageTokens
  }

  matchLength(tokens: ReadonlyArray<string>): number {
    let node = this.root
    let matched = 0
    for (;;) {
      const child = this.childOf(node, tokens, matched)
      if (child === undefined) return matched
      const length = this.floorToPage(common(child.key, tokens.slice(matched)))
      matched += length
      if (length < child.key.length) return matched
      node = child
    }
  }

  evict(tokens: number): void {
    for (let evicted = 0; evicted < tokens;) {
      const leaves = this.nodes().filter((node) => node.children.length === 0 && node.locks === 0)
      const [victim] = leaves.toSorted((left, right) => left.usedAt - right.usedAt)
      if (victim === undefined) return
      this.give(victim.slots)
      victim.parent?.children.splice(victim.parent.children.indexOf(victim), 1)
      evicted += victim.key.length
    }
  }

  makeAvailable(tokens: number): void {
    if (this.stack.length < tokens) this.evict(tokens - this.stack.length)
  }

  /** Materialises up to `end`; reused tokens, or -1. */
  extend(request: ModelRequest, end: number): number {
    const before = request.slots.length
    if (before > 0) {
      const taken = this.take(end - before)
      if (taken === undefined) return -1
      request.slots.push(...taken)
      this.announce(request, Math.floor(before / this.pageTokens), end)
      return before
    }
    const [matched, node] = this.match(request.tokens.slice(0, end))
    const taken = this.take(end - matched)
    if (taken === undefined) return -1
    request.slots = [...this.pathSlots(node), ...taken]
    this.lock(node)
    request.node = node
    this.announce(request, matched / this.pageTokens, end)
    return matched
  }

  /** One more token in a slot of its own; false when there is none. */
  generate(request: ModelRequest, token: string): boolean {
    const [slot] = this.take(1) ?? []
    if (slot === undefined) return false
    request.slots.push(slot)
    request.tokens.push(token)
    return true
  }

  cachePrefix(request: ModelRequest): void {
    const end = this.floorToPage(request.slots.length)
    if (end === 0 || end <= request.cached) return
    this.announce(request, request.cached / this.pageTokens, end)
    this.insert(request.tokens.slice(0, end), request.slots.slice(0, end))
    this.relock(request, request.tokens.slice(0, end))
    request.cached = end
  }

  finalise(request: ModelRequest): void {
    const { slots } = request
    const end = this.floorToPage(slots.length)
    const key = request.tokens.slice(0, end)
    this.give(slots.slice(end))
    this.announce(request, request.cached / this.pageTokens, end)
    if (end > 0) {
      this.insert(key, slots.slice(0, end))
      const [, node] = this.match(key)
      const canonical = this.pathSlots(node)
      const own: Array<number> = []
      for (let page = this.pageTokens; page <= end; page += this.pageTokens) {
        if (canonical[page - 1] !== slots[page - 1]) own.push(...slots.slice(page - this.pageTokens, page))
      }
      this.give(own)
    }
    this.unlock(request.node)
    this.forget(request)
  }

  retract(request: ModelRequest): void {
    this.give(request.slots.slice(request.cached))
    this.unlock(request.node)
    this.forget(request)
  }

  reserve(request: ModelRequest): number {
    const [matched, node] = this.match(request.tokens)
    this.lock(node)
    const missing = this.ceilToPage(request.promptTokens) - matched
    if (missing > this.stack.length + this.evictable) {
      this.unlock(node)
      return -1
    }
    this.makeAvailable(missing)
    request.reserved = this.take(missing) ?? []
    request.node = node
    return missing
  }

  activate(request: ModelRequest): number {
    const { node } = request
    const cached = this.pathSlots(node)
    const missing = request.promptTokens - cached.length
    const surplus = request.reserved.slice(missing)
    this.stack.push(...surplus)
    request.slots = [...cached, ...request.reserved.slice(0, missing)]
    request.reserved = []
    const end = this.floorToPage(request.promptTokens)
    this.announce(request, cached.length / this.pageTokens, end)
    this.insert(request.tokens.slice(0, end), request.slots.slice(0, end))
    this.relock(request, request.tokens)
    request.cached = end
    return surplus.length
  }

  private match(tokens: ReadonlyArray<string>): readonly [matched: number, node: Node | undefined] {
    const now = ++this.clock
    let node = this.root
    let matched = 0
    for (;;) {
      const child = this.childOf(node, tokens, matched)
      if (child === undefined) break
      const length = this.floorToPage(common(child.key, tokens.slice(matched)))
      matched += length
      if (length < child.key.length) return [matched, this.split(child, length)]
      child.usedAt = now
      node = child
    }
    return [matched, node === this.root ? undefined : node]
  }

  private insert(tokens: ReadonlyArray<string>, slots: ReadonlyArray<number>): void {
    const now = ++this.clock
    let node = this.root
    let matched = 0
    while (matched < tokens.length) {
      const child = this.childOf(node, tokens, matched)
      if (child === undefined) break
      const length = this.floorToPage(common(child.key, tokens.slice(matched)))
      matched += length
      if (length < child.key.length) {
        node = this.split(child, length)
        break
      }
      child.usedAt = now
      node = child
    }
    if (matched === tokens.length) return
    node.children.push({
      key: tokens.slice(matched),
      slots: slots.slice(matched),
      parent: node,
      children: [],
      locks: 0,
      usedAt: ++this.clock
    })
  }

  private relock(request: ModelRequest, tokens: ReadonlyArray<string>): void {
    const [, node] = this.match(tokens)
    this.lock(node)
    this.unlock(request.node)
    request.node = node
  }

  /** Found by its whole first page. */
  private childOf(node: Node, tokens: ReadonlyArray<string>, from: number): Node | undefined {
    if (tokens.length - from < this.pageTokens) return undefined
    return node.children.find(({ key }) => common(key, tokens.slice(from)) >= this.pageTokens)
  }

  private split(node: Node, length: number): Node {
    const { parent } = node
    if (parent === undefined) throw new Error("the root cannot be split")
    const upper: Node = {
      key: node.key.slice(0, length),
      slots: node.slots.slice(0, length),
      parent,
      children: [node],
      locks: node.locks,
      usedAt: node.usedAt
    }
    parent.children[parent.children.indexOf(node)] = upper
    node.key = node.key.slice(length)
    node.slots = node.slots.slice(length)
    node.parent = upper
    return upper
  }

  private lock(node: Node | undefined): void {
    for (let at = node; at !== undefined && at !== this.root; at = at.parent) at.locks += 1
  }

  private unlock(node: Node | undefined): void {
    for (let at = node; at !== undefined && at !== this.root; at = at.parent) at.locks -= 1
  }

  private pathSlots(node: Node | undefined): Array<number> {
    return node === undefined ? [] : [...this.pathSlots(node.parent), ...node.slots]
  }

  private nodes(from: Node = this.root): Array<Node> {
    return from.children.flatMap((child) => [child, ...this.nodes(child)])
  }

  private take(count: number): Array<number> | undefined {
    return count > this.stack.length ? undefined : this.stack.splice(this.stack.length - count, count)
  }

  private give(slots: ReadonlyArray<number>): void {
    this.stack.push(...slots)
    for (const slot of slots) this.withdraw(slot)
  }

  private forget(request: ModelRequest): void {
    request.slots = []
    request.cached = 0
    request.node = undefined
  }

  private announce(request: ModelRequest, fromPage: number, end: number): void {
    for (let page = fromPage; page < Math.floor(end / this.pageTokens); page++) {
      const first = page * this.pageTokens
      const slot = request.slots[first + this.pageTokens - 1]!
      if (this.hashes.has(slot)) continue
      const parent = page === 0 ? "" : (this.hashes.get(request.slots[first - 1]!) ?? "")
      const hash = `${parent}/${request.tokens.slice(first, first + this.pageTokens).join(" ")}`
      this.hashes.set(slot, hash)
      this.carriers.set(hash, (this.carriers.get(hash) ?? 0) + 1)
    }
  }

  private withdraw(slot: number): void {
    const hash = this.hashes.get(slot)
    if (hash === undefined) return
    this.hashes.delete(slot)
    const carriers = this.carriers.get(hash)! - 1
    if (carriers === 0) this.carriers.delete(hash)
    else this.carriers.set(hash, carriers)
  }
}
