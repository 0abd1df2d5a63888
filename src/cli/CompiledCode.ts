/**
 * Keeps compiled code from one run to the next, for its effect alone: import it before what is to be kept, and after flags of V8 are set.
 *
 * Parsing and compiling is a fifth of a short run. Node.js keeps the result in its own folder of the system's temporary ones, for the same
 * text, version and flags only; NODE_COMPILE_CACHE names another folder, NODE_DISABLE_COMPILE_CACHE=1 switches it off. Where nothing can
 * be written it does nothing.
 */
import { enableCompileCache } from "node:module"

enableCompileCache()
