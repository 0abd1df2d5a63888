"""Operations of a model, as dynosim's src/timing/aic/OpList.ts builds them, in the JSON form of a bundle."""

from __future__ import annotations

from dataclasses import dataclass

DENSE = {"LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "MiMoForCausalLM"}
MOE = {"MixtralForCausalLM", "GptOssForCausalLM", "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "MiniMaxM2ForCausalLM"}
QK_NORM = {"Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "MiniMaxM2ForCausalLM"}
SLIDING_WINDOW = {"GptOssForCausalLM": 128}


@dataclass
class Model:
    config: dict
    backend: str
    tp: int
    moe_tp: int
    moe_ep: int
    attention_dp: int
    quant: dict[str, str]

    def first(self, *keys: str) -> int:
        return next(int(self.config[key]) for key in keys if self.config.get(key) is not None)

    def __post_init__(self) -> None:
        self.architecture = self.config["architectures"][0]
        if self.architecture not in DENSE | MOE:
            raise SystemExit(f"the operations of {self.architecture} are not known; known: {sorted(DENSE | MOE)}")
        self.moe = self.architecture in MOE
        if self.moe and self.backend == "trtllm":
            raise SystemExit("expert dispatch on trtllm is not modelled")
        self.layers, self.hidden = self.first("num_hidden_layers"), self.first("hidden_size")
        self.heads, self.vocab = self.first("num_attention_heads"), self.first("vocab_size")
        self.kv_heads = int(self.config.get("num_key_value_heads") or self.heads)
        dims = ("head_dim", "attention_head_dim")
        self.head_dim = next((int(self.config[key]) for key in dims if self.config.get(key)), self.hidden // self.heads)
        self.window = SLIDING_WINDOW.get(self.architecture, 0)
        if self.heads % self.tp:
            raise SystemExit(f"num_heads {self.heads} should be divisible by tp_size {self.tp}")
        if self.moe and self.tp * self.attention_dp != self.moe_tp * self.moe_ep:
            raise SystemExit("tp * attention-dp must equal moe-tp * moe-ep")

    def attention(self, phase: str, count: float, window: int) -> dict:
        fields = {"name": f"{phase}_attention", "count": count, "heads": self.heads // self.tp,
                  "kvHeads": -(-self.kv_heads // self.tp), "headDim": self.head_dim, "window": window,
                  "kvCache": self.quant["kvcache"]}
        if phase == "generation":
            return {"op": "generation_attention", **fields}
        return {"op": "context_attention", **fields, "fmha": self.quant["fmha"],
                "qkNorm": self.architecture in QK_NORM}

    def gemm(self, name: str, n: int, k: int, quant: str, count: int | None = None, rows: str = "tokens") -> dict:
        return {"op": "gemm", "name": name, "count": self.layers if count is None else count, "n": n, "k": k,
                "quant": quant, "rows": rows}

    def elementwise(self, name: str, bytes_per_token: int) -> dict:
        return {"op": "elementwise", "name": name, "count": self.layers, "bytesPerToken": bytes_per_token}

    def all_reduce(self, name: str, count: int) -> dict:
        return {"op": "all_reduce", "name": name, "count": count, "hidden": self.hidden, "gpus": self.tp}

    def dense_feed_forward(self, phase: str) -> list[dict]:
        inter = self.first("intermediate_size")
        gate, columns = 2 * inter // self.tp, inter // self.tp
        return [self.gemm(f"{phase}_gate_ffn1_gemm", gate, self.hidden, self.quant["gemm"]),
                self.elementwise(f"{phase}_act_gate", 2 * gate + 2 * columns),
                self.gemm(f"{phase}_ffn2_gemm", self.hidden, columns, self.quant["gemm"])]

    def expert_feed_forward(self, phase: str) -> list[dict]:
        experts = self.first("num_local_experts", "n_routed_experts", "num_experts")
        spread = {"count": self.layers, "hidden": self.hidden, "moeTp": self.moe_tp, "moeEp": self.moe_ep}

        def dispatch(stage: str) -> dict:
            return {"op": "moe_dispatch", "name": f"{phase}_moe_{stage}_dispatch", **spread,
                    "attentionDp": self.attention_dp, "stage": stage, "backend": self.backend}

        compute = {"op": "moe", "name": f"{phase}_moe", **spread,
                   "inter": self.first("moe_intermediate_size", "intermediate_size"),
                   "topk": self.first("num_experts_per_tok", "top_k_experts"), "experts": experts,
                   "quant": self.quant["moe"]}
        router = self.gemm(f"{phase}_router_gemm", experts, self.hidden, "bfloat16")
        return [router, dispatch("pre"), compute, dispatch("post")]

    def ops(self, phase: str) -> list[dict]:
        head_columns = self.heads * self.head_dim // self.tp
        kv_columns = 2 * self.head_dim * -(-self.kv_heads // self.tp)
        half = self.layers / 2
        ops = [self.attention(phase, half, self.window)] if self.window else []
        ops += [
            {"op": "embedding", "name": f"{phase}_embedding", "count": 1, "vocab": self.vocab // self.tp,
             "hidden": self.hidden},
            self.elementwise(f"{phase}_add_norm_1", 8 * self.hidden),
            self.gemm(f"{phase}_qkv_gemm", head_columns + kv_columns, self.hidden, self.quant["gemm"]),
            self.attention(phase, half if self.window else self.layers, 0),
            self.gemm(f"{phase}_proj_gemm", self.hidden, head_columns, self.quant["gemm"]),
            self.elementwise(f"{phase}_add_norm_2", 8 * self.hidden),
            *(self.expert_feed_forward(phase) if self.moe else self.dense_feed_forward(phase)),
        ]
        if not self.moe or phase == "generation":
            ops.append(self.gemm(f"{phase}_logits_gemm", self.vocab // self.tp, self.hidden, "bfloat16", 1, "requests"))
        ops.append(self.all_reduce(f"{phase}_embedding_ar", 1))
        if not self.moe:
            ops += [self.all_reduce(f"{phase}_ar_1", self.layers), self.all_reduce(f"{phase}_ar_2", self.layers)]
        return ops

    def shape(self) -> dict:
        return {"family": "moe" if self.moe else "dense", "layers": self.layers, "heads": self.heads,
                "kvHeads": self.kv_heads, "headDim": self.head_dim}
