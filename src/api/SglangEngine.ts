/** SGLang style engines. */
export { layer } from "../engine/sglang/SglangEngine.ts"
