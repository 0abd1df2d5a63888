/** What the engines' own command lines call things, and what says the same here. */
import type { ForeignNames } from "../settings/Decode.ts"

const sameAs = (name: string): string => `here it is ${name}`

const tensorParallel = `${sameAs("aic_tp_size")}, with aic_backend`

/** Of vLLM, SGLang and TensorRT-LLM; names that are arguments here as well are not among them. */
export const foreignNames: ForeignNames = new Map([
  ["model", `${sameAs("aic_model_path")}, with aic_backend`],
  ["model_path", `${sameAs("aic_model_path")}, with aic_backend`],
  ["tensor_parallel_size", tensorParallel],
  ["tp_size", tensorParallel],
  ["tp", tensorParallel],
  ["pipeline_parallel_size", "pipeline parallelism is not simulated: leave it out"],
  ["pp_size", "pipeline parallelism is not simulated: leave it out"],
  ["data_parallel_size", "simulate data parallel ranks as more workers (--num-workers)"],
  ["enable_expert_parallel", `${sameAs("aic_moe_ep_size")}, the number of GPUs that experts are spread over`],
  ["context_length", "requests are as long as the trace says; leave it out (dynosim serve has --max-model-len)"],
  ["num_gpu_blocks_override", sameAs("num_gpu_blocks")],
  ["max_num_partial_prefills", "any number of prompts is computed in parts: leave it out"],
  ["kv_cache_dtype", sameAs("aic_kv_cache_dtype")],
  ["quantization", sameAs("aic_gemm_dtype")],
  ["num_speculative_tokens", sameAs("aic_nextn")],
  ["speculative_config", `${sameAs("aic_nextn")}, the number of draft tokens, and aic_nextn_accept_rates`],
  ["swap_space", "cache tiers are not simulated: leave it out"],
  ["max_running_requests", sameAs("max_num_seqs")],
  ["max_batch_size", sameAs("max_num_seqs")],
  ["max_num_tokens", sameAs("max_num_batched_tokens")],
  ["tokens_per_block", sameAs("block_size")],
  ["kv_cache_free_gpu_memory_fraction", sameAs("free_gpu_memory_fraction")],
  ["disable_radix_cache", "the simulated SGLang always caches prefixes: leave it out"],
  ["enable_block_reuse", sameAs("enable_prefix_caching")],
  ["page_size", 'put it inside "sglang": {…}'],
  ["schedule_policy", 'put it inside "sglang": {…}'],
  ["schedule_conservativeness", 'put it inside "sglang": {…}'],
  ["max_prefill_tokens", 'put it inside "sglang": {…}'],
  ["chunked_prefill_size", 'put it inside "sglang": {…}'],
  ["clip_max_new_tokens", 'put it inside "sglang": {…}']
])
