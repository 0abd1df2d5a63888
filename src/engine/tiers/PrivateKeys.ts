/**
 * Identities of blocks that nobody else, on any worker, can match: those that a worker has generated itself. Each worker takes a frame of 32
 * at a time, so that its blocks lie close together; they are negative, and `noBlock` is none of them.
 */
import { frameOf, frameSize } from "../../structures/FrameMask.ts"
import { wideBits, wideSize } from "../../structures/WideFrame.ts"

/** Frames are given out from the first down to the last one; the most negative integers mark other things. */
const firstFrame = -2
const lastFrame = -0x03fffffe

/** Of all workers of a run. */
export class PrivateFrames {
  private next = firstFrame

  take(): number {
    const frame = this.next
    this.next = frame === lastFrame ? firstFrame : frame - 1
    return frame
  }
}

/** Of one worker. */
export class PrivateKeys {
  private readonly frames: PrivateFrames
  private next = 0
  private left = 0

  constructor(frames: PrivateFrames) {
    this.frames = frames
  }

  privateKey(): number {
    return this.take(1)
  }

  /** The number of a frame of eight of them. */
  frameOfEight(): number {
    return frameOf(this.take(frameSize))
  }

  /** The first of so many that follow each other, where all calls ask for as many. */
  private take(count: number): number {
    if (this.left === 0) {
      this.next = this.frames.take() << wideBits
      this.left = wideSize
    }
    this.left -= count
    this.next += count
    return this.next - count
  }
}
