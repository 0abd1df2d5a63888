"""Reads the performance tables of one aiconfigurator slice into plain columns.

A slice is one (system, backend, backend version). The tables come out as logical sections, the same ones that the
binary files under data/aic/tables and the JSON bundles hold:

    gemm/<quant>                        n k m                                             -> ms
    context_attention/<fmha>/<kv>       kv_heads head_dim window heads tokens batch       -> ms
    generation_attention/<kv>           kv_heads head_dim window heads tokens batch       -> ms
    moe/<quant>                         topk experts hidden inter moe_tp moe_ep tokens    -> ms
    all_reduce                          gpus elements                                     -> ms
    all_gather, reduce_scatter          gpus elements                                     -> ms

Rules applied here, and nowhere else: the first row of a repeated key wins; eager all-reduce kernels are skipped;
`kv_heads` is 0 where every head has its own KV head; of the expert-load distributions only the one that is looked up
is kept; quantised GEMM kernels without a mode of their own (awq, gptq) are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import yaml

# Expert-load distribution that is looked up, and the one that replaces it where a quantisation has no such rows.
MOE_DISTRIBUTIONS = ("power_law_1.2", "uniform")
SKIPPED_GEMM_QUANTS = {"awq", "gptq"}
# Measured for one backend's low-latency mode alone; not part of the curve.
SKIPPED_MOE_KERNELS = {"moe_torch_flow_min_latency"}
# The one system whose eager all-reduce rows are the ones to use.
EAGER_ALL_REDUCE_SYSTEMS = {"b60"}


@dataclass
class Section:
    name: str
    columns: tuple[str, ...]
    rows: dict[tuple[int, ...], float]

    def add(self, key: tuple[int, ...], ms: float) -> None:
        self.rows.setdefault(key, ms)

    def sorted_rows(self) -> list[tuple[tuple[int, ...], float]]:
        return sorted(self.rows.items())


ATTENTION_COLUMNS = ("kv_heads", "head_dim", "window", "heads", "tokens", "batch")
COLLECTIVE_COLUMNS = ("gpus", "elements")


class Sections(dict):
    """Sections by name, made on first use."""

    def row(self, name: str, columns: tuple[str, ...], key: tuple[int, ...], ms: float) -> None:
        section = self.get(name)
        if section is None:
            section = self[name] = Section(name, columns, {})
        section.add(tuple(int(part) for part in key), float(ms))


def system_constants(systems: Path, system: str) -> dict:
    """The hardware constants of `<system>.yaml` that pricing and KV sizing use."""
    raw = yaml.safe_load((systems / f"{system}.yaml").read_text())
    gpu, node, misc = raw["gpu"], raw["node"], raw["misc"]
    constants = {
        "memBandwidthBytesPerS": gpu["mem_bw"],
        "memBandwidthScaling": gpu["mem_bw_empirical_scaling_factor"],
        "memConstantLatencyS": gpu["mem_empirical_constant_latency"],
        "memCapacityBytes": gpu["mem_capacity"],
        "bfloat16Flops": gpu["bfloat16_tc_flops"],
        "fp8Flops": gpu.get("fp8_tc_flops"),
        "fp4Flops": gpu.get("fp4_tc_flops"),
        "gpusPerNode": node["num_gpus_per_node"],
        "gpusPerRack": node.get("num_gpus_per_rack"),
        "intraNodeBytesPerS": node["intra_node_bw"],
        "interNodeBytesPerS": node["inter_node_bw"],
        "interRackBytesPerS": node.get("inter_rack_bw"),
        "ncclMemBytes": {str(gpus): size for gpus, size in misc["nccl_mem"].items()},
        "otherMemBytes": misc["other_mem"],
    }
    return {key: value for key, value in constants.items() if value is not None}


def nccl_version(systems: Path, system: str) -> str:
    return str(yaml.safe_load((systems / f"{system}.yaml").read_text())["misc"]["nccl_version"])


def data_folder(systems: Path, system: str) -> Path:
    """Tables lie under `data/<system>` in the repository and in the wheels, or beside the YAML file."""
    for candidate in (systems / "data" / system, systems / system):
        if candidate.is_dir():
            return candidate
    raise SystemExit(f"no tables of {system} under {systems} (looked for data/{system} and {system})")


def records(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist() if path.exists() else []


def read_gemm(folder: Path, sections: Sections) -> None:
    for row in records(folder / "gemm_perf.parquet"):
        if row["gemm_dtype"] not in SKIPPED_GEMM_QUANTS:
            sections.row(f"gemm/{row['gemm_dtype']}", ("n", "k", "m"), (row["n"], row["k"], row["m"]), row["latency"])


def attention_key(row: dict, tokens: int) -> tuple[int, ...]:
    heads, kv_heads = row["num_heads"], row["num_key_value_heads"]
    shared = 0 if heads == kv_heads else kv_heads
    return (shared, row["head_dim"], row.get("window_size") or 0, heads, tokens, row["batch_size"])


def read_attention(folder: Path, sections: Sections) -> None:
    for row in records(folder / "context_attention_perf.parquet"):
        name = f"context_attention/{row['attn_dtype']}/{row['kv_cache_dtype']}"
        sections.row(name, ATTENTION_COLUMNS, attention_key(row, row["isl"]), row["latency"])
    for row in records(folder / "generation_attention_perf.parquet"):
        name = f"generation_attention/{row['kv_cache_dtype']}"
        sections.row(name, ATTENTION_COLUMNS, attention_key(row, row["isl"] + row["step"]), row["latency"])


def read_moe(folder: Path, sections: Sections) -> None:
    columns = ("topk", "experts", "hidden", "inter", "moe_tp", "moe_ep", "tokens")
    rows = [row for row in records(folder / "moe_perf.parquet") if row.get("kernel_source") not in SKIPPED_MOE_KERNELS]
    for quant in sorted({row["moe_dtype"] for row in rows}):
        measured = {row["distribution"] for row in rows if row["moe_dtype"] == quant}
        wanted = next((name for name in MOE_DISTRIBUTIONS if name in measured), None)
        for row in rows:
            if row["moe_dtype"] == quant and row["distribution"] == wanted:
                key = (row["topk"], row["num_experts"], row["hidden_size"], row["inter_size"],
                       row["moe_tp_size"], row["moe_ep_size"], row["num_tokens"])
                sections.row(f"moe/{quant}", columns, key, row["latency"])


def read_collectives(folder: Path, nccl: Path, system: str, sections: Sections) -> None:
    for row in records(folder / "custom_allreduce_perf.parquet"):
        kernel = (row.get("kernel_source") or "", row.get("backend") or "")
        if system in EAGER_ALL_REDUCE_SYSTEMS or not any(name.endswith("_eager") for name in kernel):
            sections.row("all_reduce", COLLECTIVE_COLUMNS, (row["num_gpus"], row["message_size"]), row["latency"])
    for row in records(nccl / "nccl_perf.parquet"):
        if row["nccl_dtype"] == "half" and row["op_name"] in ("all_gather", "reduce_scatter"):
            sections.row(row["op_name"], COLLECTIVE_COLUMNS, (row["num_gpus"], row["message_size"]), row["latency"])


def read_slice(systems: Path, system: str, backend: str, version: str) -> Sections:
    """Every section of one slice."""
    data = data_folder(systems, system)
    folder = data / backend / version
    if not folder.is_dir():
        raise SystemExit(f"no tables at {folder}")
    sections = Sections()
    read_gemm(folder, sections)
    read_attention(folder, sections)
    read_moe(folder, sections)
    read_collectives(folder, data / "nccl" / nccl_version(systems, system), system, sections)
    return sections
