/**
 * Runs the scripts that the bundle consists of, with the code that V8 compiled for them in earlier runs: compiling functions when they are first
 * called is two fifths of a short run.
 *
 *     first run    text ──▶ Script ──▶ run … functions are compiled when called … ──▶ at exit: text's code, those functions in it ──▶ file
 *     later runs   text, file ──▶ Script ──▶ run
 *
 * Node.js keeps compiled code of modules by itself, but takes it when they have been loaded, before any function was called; so the bundle's files
 * are scripts behind modules (tools/package/ChunkScripts.mjs). The files stand in Node.js' own folder for such code, which is one per version,
 * flags and user: NODE_COMPILE_CACHE names another, NODE_DISABLE_COMPILE_CACHE=1 switches it off. Where nothing can be written it does nothing.
 */
import type { Script } from "node:vm"

// Not imported: a module of all that `node:fs` has would load what nobody here uses.
const {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} = process.getBuiltinModule("node:fs")
const { Script: NewScript } = process.getBuiltinModule("node:vm")
const { parse } = process.getBuiltinModule("node:path")
const { enableCompileCache, getCompileCacheDir } = process.getBuiltinModule("node:module")
const { crc32 } = process.getBuiltinModule("node:zlib")
enableCompileCache()
const directory = getCompileCacheDir()

/** Commands call different functions; so do the program without one, as for its help, and threads, which have a program of their own. */
const [, program = "", command = "", ...words] = process.argv
const name = /^[a-z]{1,16}$/.test(command) ? command : parse(program).name

/** Keys and choices of a file of settings that the command is given: of `--config`, behind `@`, or a plan. Not of those that it writes. */
const settingsIn = (word: string, before: string): ReadonlyArray<string> => {
  const [, how, file] = /^((?:--[a-z-]+=)?@|--config=)?([^-].*\.(?:json|ya?ml))$/.exec(word) ?? []
  if (file === undefined || (how === undefined && /^--(?!config$)[^=]*$/.test(before))) return []
  try {
    const text = statSync(file).size > 2 ** 16 ? "" : readFileSync(file, "utf8")
    return text.match(/[\w-]+(?=["']?\s*:)|(?<=[:,[]\s*["']?)[a-z_]+(-[0-9.]+)?(?=["']?\s*([\],}\n]|$))/g) ?? []
  } catch {
    return []
  }
}

const namesIn = (word: string): ReadonlyArray<string> =>
  word.match(/^--[a-z0-9-]+|^[a-z_]+(-[0-9.]+)?$|"[a-z_]+"/g) ?? []

/** Runs of one kind call the same functions, but for a few: those with the same flags, choices and engine arguments, whatever their files and numbers. */
const kind = crc32(
  words.flatMap((word, place) => [...namesIn(word), ...settingsIn(word, words[place - 1] ?? "")]).join(" ")
)

/** A run may call what none before it called: the first runs add theirs to a file, then one of each other kind, as long as there is room. */
const firstRuns = 3
const mostRuns = 16

const adds = (kinds: ReadonlyArray<number>): boolean =>
  kinds.length < firstRuns || (kinds.length < mostRuns && !kinds.includes(kind))

const folder = `${directory}/dynosim`

/** What others may have put there is not run. */
const isOurs = (): boolean => {
  try {
    const found = lstatSync(folder)
    return found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid())
  } catch {
    return false
  }
}

const canRead = directory !== undefined && isOurs()

interface Unsaved {
  readonly script: Script
  readonly file: string
  /** Of the runs that have added to its code, this one included. */
  readonly kinds: ReadonlyArray<number>
}

const unsaved: Array<Unsaved> = []

interface Kept {
  readonly code: Buffer
  readonly kinds: ReadonlyArray<number>
}

/** What stands behind the code of a script, in four bytes each: the kinds of runs that have added to it, how many those are, and its checksum. */
const tailOf = (code: Uint8Array, kinds: ReadonlyArray<number>): Uint8Array =>
  new Uint8Array(Uint32Array.of(...kinds, kinds.length, crc32(code)).buffer)

/** V8 believes the bytes of code that it is given: those that a disk has damaged would end the process. */
const read = (file: string): Kept | undefined => {
  try {
    const bytes = readFileSync(file)
    const runs = bytes.readUInt32LE(bytes.length - 8)
    const end = bytes.length - 8 - 4 * runs
    const code = bytes.subarray(0, end)
    if (bytes.readUInt32LE(bytes.length - 4) !== crc32(code)) return undefined
    return { code, kinds: Array.from({ length: runs }, (_, run) => bytes.readUInt32LE(end + 4 * run)) }
  } catch {
    return undefined
  }
}

/** Readers see a file whole or not at all. */
const save = ({ file, kinds, script }: Unsaved): void => {
  const fresh = `${file}.${process.pid}.${process.hrtime.bigint()}`
  try {
    const descriptor = openSync(fresh, "wx", 0o600)
    try {
      const code = script.createCachedData()
      writeFileSync(descriptor, code)
      writeFileSync(descriptor, tailOf(code, kinds))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(fresh, file)
  } finally {
    rmSync(fresh, { force: true })
  }
}

const saveAll = (): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (isOurs()) for (const each of unsaved) save(each)
  } catch {
    // The next run tries again.
  }
}

/** The help of a command calls next to nothing of it, and neither does a run that fails. */
if (directory !== undefined && !words.some((word) => /^(-h|--help(-all)?)$/.test(word))) {
  process.on("exit", (code) => {
    if (code === 0 && unsaved.length > 0) saveAll()
  })
}

/** What the script of this name, in the folder of this module, evaluates to. Its name must change with its text. */
export const compiledScript = (text: string): unknown => {
  const filename = `${import.meta.dirname}/${text}`
  const file = `${folder}/${name}-${text}.code`
  const kept = canRead ? read(file) : undefined
  const script = new NewScript(readFileSync(filename, "latin1"), { filename, cachedData: kept?.code })
  const kinds = kept !== undefined && script.cachedDataRejected === false ? kept.kinds : []
  if (adds(kinds)) unsaved.push({ script, file, kinds: [...kinds, kind] })
  return script.runInThisContext()
}
