/**
 * When a decode worker may try to reserve KV for the request at the head of its reservation queue: once, and again only after its
 * capacity may have changed.
 */
export class ReservationTries<Member> {
  private generation = 0
  private tried: Member | undefined = undefined
  private triedGeneration = -1

  /** Room may have appeared. */
  capacityChanged(): void {
    this.generation += 1
  }

  /** Whether `head` may be tried now. */
  allows(head: Member): boolean {
    return this.tried !== head || this.triedGeneration !== this.generation
  }

  /** Whether `head` may be tried now; if so, this counts as its try. */
  claim(head: Member): boolean {
    if (!this.allows(head)) return false
    this.tried = head
    this.triedGeneration = this.generation
    return true
  }
}
