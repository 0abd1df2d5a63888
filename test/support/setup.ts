/** Before every test file: assertions and errors that cost what they cost elsewhere. */
import { chai } from "vitest"

// The proxies tell misspelt assertions, which the compiler does here; five times as dear, they were a tenth of the suite.
chai.config.useProxy = false

// Node's own value, not the hundred frames that the test runner asks for: programs under test make errors by the thousand.
Error.stackTraceLimit = 10
