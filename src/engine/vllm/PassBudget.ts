/**
 * What one pass has given out: its token budget, and the prompts whose prefill it is charged for.
 *
 * A request that is preempted in the very pass that served it gives its share back, so every share is noted on the request.
 */
import type { Sequence } from "./Sequence.ts"

export class PassBudget {
  /** Tokens still to be given out; `Infinity` when unlimited. */
  tokens = 0
  /** Tokens given out, whether or not they were given back later. */
  scheduledTokens = 0
  /** Prompts in the prefill batch. */
  private prompts = 0
  private islTokens = 0
  private prefixTokens = 0
  private pass = 0

  begin(maxTokens: number): void {
    this.pass += 1
    this.tokens = maxTokens
    this.scheduledTokens = 0
    this.prompts = 0
    this.islTokens = 0
    this.prefixTokens = 0
  }

  /** One token for each of so many requests; {@link noteDecodeToken} says whose, where that matters. */
  takeDecodeTokens(requests: number): void {
    this.tokens -= requests
    this.scheduledTokens += requests
  }

  /** The request has got one of the tokens to decode. */
  noteDecodeToken(sequence: Sequence): void {
    sequence.scheduledPass = this.pass
    sequence.scheduledTokens = 1
    sequence.scheduledPromptTokens = 0
  }

  /** `used` tokens, of which `prompt` are prompt tokens to be charged after `prefix` computed ones. */
  take(sequence: Sequence, used: number, prompt: number, prefix: number): void {
    sequence.scheduledPass = this.pass
    sequence.scheduledTokens = used
    sequence.scheduledPromptTokens = prompt
    sequence.scheduledPrefixTokens = prefix
    this.tokens -= used
    this.scheduledTokens += used
    if (prompt === 0) return
    this.prompts += 1
    this.islTokens += prefix + prompt
    this.prefixTokens += prefix
  }

  /** Takes back what a preempted request got in this pass. */
  giveBack(victim: Sequence): void {
    if (victim.scheduledPass !== this.pass) return
    victim.scheduledPass = -1
    this.tokens += victim.scheduledTokens
    if (victim.scheduledPromptTokens === 0) return
    this.prompts -= 1
    this.islTokens -= victim.scheduledPrefixTokens + victim.scheduledPromptTokens
    this.prefixTokens -= victim.scheduledPrefixTokens
  }

  /** Whether the request has a share of this pass. */
  serves(sequence: Sequence): boolean {
    return sequence.scheduledPass === this.pass
  }

  /** Prompt tokens of the prefill batch that are to be computed. */
  get prefillTokens(): number {
    return this.islTokens - this.prefixTokens
  }

  get batchPrompts(): number {
    return this.prompts
  }

  /** Mean prompt length of the prefill batch so far, rounded down; the batch must not be empty. */
  get meanIslTokens(): number {
    return Math.floor(this.islTokens / this.prompts)
  }

  /** Mean computed or cached part of it, rounded down. */
  get meanPrefixTokens(): number {
    return Math.floor(this.prefixTokens / this.prompts)
  }
}
