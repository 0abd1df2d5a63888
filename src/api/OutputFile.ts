/** Files that are whole or not there. */
export { open, write, writeStream, type OutputFile, type OutputServices } from "../report/OutputFile.ts"
export { OutputError } from "../report/ReportError.ts"
