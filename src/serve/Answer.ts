/** Answers as they are sent: whole, or in pieces as server-sent events. */
import type { Choice, Part } from "./Choice.ts"
import type { Endpoint } from "./Endpoint.ts"
import type { Generation } from "./Generation.ts"
import { probabilitiesOf } from "./LogProbabilities.ts"
import { wordCharacters } from "./OutputText.ts"

/** What whole answers and pieces have in common. */
const head = (endpoint: Endpoint, object: string, { createdSeconds, number, spec }: Generation) => ({
  id: `${endpoint.idPrefix}-${number}`,
  object,
  created: createdSeconds,
  model: spec.model
})

/** The prompt's text, where a choice begins with it. */
const echoOf = ({ spec }: Generation, { index }: Choice): string =>
  spec.echo ? spec.prompts[Math.floor(index / spec.choicesPerPrompt)]!.text() : ""

const logprobsOf = (endpoint: Endpoint, { spec }: Generation, { plan }: Choice, from: number, to: number) =>
  spec.logprobs === undefined
    ? null
    : endpoint.logprobs(probabilitiesOf(plan.seed, from, to, spec.logprobs), from * wordCharacters)

const endOf = ({ finishReason, plan }: Choice) => ({
  finish_reason: finishReason,
  ...(plan.stop === undefined ? {} : { stop_reason: plan.stop })
})

export const wholeAnswer = (endpoint: Endpoint, generation: Generation): object => ({
  ...head(endpoint, endpoint.wholeObject, generation),
  choices: generation.choices.map((choice) => ({
    index: choice.index,
    ...endpoint.whole(
      echoOf(generation, choice) + choice.text(0, choice.tokens),
      logprobsOf(endpoint, generation, choice, 0, choice.tokens)
    ),
    ...endOf(choice)
  })),
  usage: generation.usage
})

/** What comes before and after the text in a piece that is neither a choice's first nor has log probabilities. */
interface Frame {
  readonly before: string
  readonly after: string
}

/** Writes the pieces of one streamed answer, one per token. Most pieces differ in their text alone, which needs no escaping. */
export class PieceWriter {
  private readonly endpoint: Endpoint
  private readonly generation: Generation
  private readonly head: object
  private readonly usage: { readonly usage?: null }
  /** By choice; `undefined` until the choice has had its first piece. */
  private readonly frames: Array<Frame | undefined>

  constructor(endpoint: Endpoint, generation: Generation) {
    this.endpoint = endpoint
    this.generation = generation
    this.head = head(endpoint, endpoint.pieceObject, generation)
    this.usage = generation.spec.streamUsage ? { usage: null } : {}
    this.frames = generation.choices.map(() => undefined)
  }

  part({ choice, from, last, to }: Part): string {
    let text = ""
    for (let position = from; position < to; position++) text += this.token(choice, position)
    return last ? text + this.choiceEnd(choice) : text
  }

  end(): string {
    const { generation } = this
    const counts = generation.spec.streamUsage ? event({ ...this.head, choices: [], usage: generation.usage }) : ""
    return `${counts}data: [DONE]\n\n`
  }

  private token(choice: Choice, position: number): string {
    const { generation } = this
    const word = choice.text(position, position + 1)
    const frame = this.frames[choice.index]
    if (frame === undefined) {
      this.frames[choice.index] = this.frameOf(choice)
      return this.piece(choice, echoOf(generation, choice) + word, true, position)
    }
    return generation.spec.logprobs === undefined
      ? frame.before + word + frame.after
      : this.piece(choice, word, false, position)
  }

  private frameOf(choice: Choice): Frame {
    const mark = "\u0000"
    const [before = "", after = ""] = this.piece(choice, mark, false, 0).split(JSON.stringify(mark).slice(1, -1))
    return { before, after }
  }

  private piece(choice: Choice, text: string, first: boolean, position: number): string {
    const logprobs = logprobsOf(this.endpoint, this.generation, choice, position, position + 1)
    return event({
      ...this.head,
      choices: [{ index: choice.index, ...this.endpoint.piece(text, first, logprobs), finish_reason: null }],
      ...this.usage
    })
  }

  private choiceEnd(choice: Choice): string {
    return event({
      ...this.head,
      choices: [{ index: choice.index, ...this.endpoint.lastPiece, ...endOf(choice) }],
      ...this.usage
    })
  }
}

/** A server-sent event. */
export const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
