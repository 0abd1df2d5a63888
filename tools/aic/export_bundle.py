"""Writes an AIC bundle: one model, spread and system from any aiconfigurator data set, for `dynosim --aic-bundle`.

    python tools/aic/export_bundle.py --systems DIR --system b200_sxm --backend vllm --version 0.19.0 \\
        --config path/to/config.json --model-path Qwen/Qwen3-8B --tp 1 --out qwen3-8b-b200.json

The bundle holds the operations and just the table rows that they can look up. Formats default to bfloat16; give
--gemm, --moe, --fmha and --kvcache for quantised checkpoints. Models other than the dense and mixture-of-experts
families that dynosim knows are refused.
"""

from __future__ import annotations

import argparse
import bisect
import json
from pathlib import Path

from aic_tables import Section, Sections, read_slice, system_constants
from model_ops import Model


def bracket(nodes: list[int], value: int) -> tuple[int, ...]:
    """The two neighbours between which a value is interpolated, or the outermost two beyond which it is extrapolated."""
    if len(nodes) < 2:
        return tuple(nodes)
    at = min(max(bisect.bisect_right(nodes, value) - 1, 0), len(nodes) - 2)
    return nodes[at], nodes[at + 1]


def gemm_rows(section: Section, op: dict) -> set[tuple[int, ...]]:
    n, k = op["n"], op["k"]
    own = {key for key in section.rows if key[0] == n and key[1] == k}
    if len(own) >= 2:
        return own
    by_m: dict[int, dict[int, set[int]]] = {}
    for row_n, row_k, m in section.rows:
        by_m.setdefault(m, {}).setdefault(row_n, set()).add(row_k)
    wanted = set()
    for m, by_n in by_m.items():
        around = bracket(sorted(by_n), n)
        common = sorted(set.intersection(*(by_n[each] for each in around)))
        wanted |= {(each, row_k, m) for each in around for row_k in bracket(common, k)}
    return wanted


def attention_rows(section: Section, op: dict) -> set[tuple[int, ...]]:
    kv_heads = 0 if op["heads"] == op["kvHeads"] else op["kvHeads"]
    key = (kv_heads, op["headDim"], op["window"])
    heads = sorted({row[3] for row in section.rows if row[:3] == key})
    wanted = (op["heads"],) if op["heads"] in heads else bracket(heads, op["heads"])
    return {row for row in section.rows if row[:3] == key and row[3] in wanted}


def moe_rows(section: Section, op: dict) -> set[tuple[int, ...]]:
    key = (op["topk"], op["experts"], op["hidden"], op["inter"], op["moeTp"], op["moeEp"])
    return {row for row in section.rows if row[:6] == key}


def all_rows(section: Section, _op: dict) -> set[tuple[int, ...]]:
    """A collective's table is small; take it whole."""
    return set(section.rows)


def sections_of(op: dict) -> list[str]:
    """Names of the sections an operation looks into."""
    kind = op["op"]
    if kind == "gemm" or kind == "moe":
        return [f"{kind}/{op['quant']}"]
    if kind == "context_attention":
        return [f"{kind}/{op['fmha']}/{op['kvCache']}"]
    if kind == "generation_attention":
        return [f"{kind}/{op['kvCache']}"]
    if kind == "moe_dispatch":
        return ["all_reduce", "all_gather", "reduce_scatter"]
    return ["all_reduce"] if kind == "all_reduce" and op["gpus"] > 1 else []


READERS = {
    "gemm": gemm_rows, "moe": moe_rows, "context_attention": attention_rows,
    "generation_attention": attention_rows, "moe_dispatch": all_rows, "all_reduce": all_rows,
}


def wanted_rows(op: dict, sections: Sections) -> list[tuple[str, set[tuple[int, ...]]]]:
    """The rows that an operation can meet, by section."""
    found = []
    for name in sections_of(op):
        if name not in sections:
            raise SystemExit(f"no performance data for {name}; available: {', '.join(sorted(sections))}")
        keys = READERS[op["op"]](sections[name], op)
        if not keys:
            raise SystemExit(f"{name} has no rows for {op}")
        found.append((name, keys))
    return found


def subset(ops: list[dict], sections: Sections) -> dict:
    rows: dict[str, set[tuple[int, ...]]] = {}
    for op in ops:
        for name, keys in wanted_rows(op, sections):
            rows.setdefault(name, set()).update(keys)
    tables = {}
    for name in sorted(rows):
        section, keys = sections[name], sorted(rows[name])
        columns = {column: [key[i] for key in keys] for i, column in enumerate(section.columns)}
        tables[name] = {"columns": columns, "latencyMs": [section.rows[key] for key in keys]}
    return tables


def bundle(arguments: argparse.Namespace) -> dict:
    config = json.loads(arguments.config.read_text())
    quant = {"gemm": arguments.gemm, "moe": arguments.moe, "fmha": arguments.fmha, "kvcache": arguments.kvcache}
    model = Model(config, arguments.backend, arguments.tp, arguments.moe_tp, arguments.moe_ep, arguments.attention_dp, quant)
    sections = read_slice(arguments.systems, arguments.system, arguments.backend, arguments.version)
    context, generation = model.ops("context"), model.ops("generation")
    source = {
        "system": arguments.system, "backend": arguments.backend, "backendVersion": arguments.version,
        "modelPath": arguments.model_path, "tpSize": arguments.tp, "moeTpSize": arguments.moe_tp,
        "moeEpSize": arguments.moe_ep, "attentionDpSize": arguments.attention_dp,
        "gemmDtype": quant["gemm"], "moeDtype": quant["moe"], "fmhaDtype": quant["fmha"],
        "kvCacheDtype": quant["kvcache"], "origin": arguments.origin,
    }
    return {
        "format": "dynosim-aic-bundle", "version": 1, "source": source,
        "system": system_constants(arguments.systems, arguments.system), "shape": model.shape(),
        "contextOps": context, "generationOps": generation, "tables": subset(context + generation, sections),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=Path, required=True, help="folder with <system>.yaml and the tables")
    parser.add_argument("--system", required=True)
    parser.add_argument("--backend", required=True, choices=["vllm", "sglang", "trtllm"])
    parser.add_argument("--version", required=True, help="backend version, a folder of the data set")
    parser.add_argument("--config", type=Path, required=True, help="the model's config.json")
    parser.add_argument("--model-path", required=True, help="what aic_model_path will say")
    for size in ("tp", "moe-tp", "moe-ep", "attention-dp"):
        parser.add_argument(f"--{size}", type=int, default=1)
    for role in ("gemm", "moe", "fmha", "kvcache"):
        parser.add_argument(f"--{role}", default="bfloat16", help="numeric format")
    parser.add_argument("--origin", default="aiconfigurator", help="data set and version, for the report")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    content = json.dumps(bundle(arguments), separators=(",", ":"))
    arguments.out.write_text(content + "\n")
    print(f"{arguments.out}: {len(content)} bytes")


if __name__ == "__main__":
    main()
