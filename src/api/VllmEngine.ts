/** vLLM and TensorRT-LLM style engines. */
export { layer, layerTrtllm } from "../engine/vllm/VllmEngine.ts"
