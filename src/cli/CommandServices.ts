/**
 * What commands take from Node.js: files, paths and standard streams.
 *
 * Effect's commands also want a terminal to ask questions on, and to start other programs. Nothing here does either, so their
 * implementations, which would be loaded and wait for standard input in every run, are left out.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Terminal from "effect/Terminal"

const unused = Effect.die("dynosim asks no questions and starts no other programs")

const terminal = Layer.succeed(
  Terminal.Terminal,
  Terminal.make({
    columns: unused,
    rows: unused,
    size: unused,
    readInput: unused,
    readLine: unused,
    display: () => unused
  })
)

const spawner = Layer.succeed(
  ChildProcessSpawner.ChildProcessSpawner,
  ChildProcessSpawner.make(() => unused)
)

export const layer = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeStdio.layer, terminal, spawner)
