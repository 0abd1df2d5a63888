"""Converts aiconfigurator's parquet tables and model configs into the files under data/aic.

    python tools/aic/convert.py --systems DIR --configs DIR [--out data/aic]

Writes `systems.json` (hardware constants), `models.json` (the parts of the model configs that count) and one
`tables/<system>-<backend>-<version>.bin` per slice. Doubles are kept bit for bit. tools/aic/README.md says where the
input comes from; data/aic/README.md describes the output.
"""

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path

import brotli
import numpy as np

from aic_tables import Section, nccl_version, read_slice, system_constants

SLICES = [
    ("h100_sxm", "vllm", "0.19.0"),
    ("h100_sxm", "sglang", "0.5.10"),
    ("h200_sxm", "vllm", "0.19.0"),
    ("h200_sxm", "sglang", "0.5.10"),
]

MAGIC = b"DYNAIC01"

# The keys of a model's config.json that the op lists and the quantisation rules read.
CONFIG_KEYS = [
    "architectures", "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim",
    "attention_head_dim", "intermediate_size", "moe_intermediate_size", "vocab_size", "num_experts_per_tok",
    "top_k_experts", "num_local_experts", "n_routed_experts", "num_experts",
]
QUANTISATION_KEYS = [
    "quant_algo", "quant_method", "quantization_method", "activation_scheme", "weight_block_size",
    "kv_cache_quant_algo", "kv_cache_quant_method", "kv_cache_dtype", "kv_cache_scheme", "config_groups",
]
SUPPORTED_ARCHITECTURES = {
    "LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "MiMoForCausalLM", "MixtralForCausalLM",
    "GptOssForCausalLM", "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "MiniMaxM2ForCausalLM",
}


def pack_section(section: Section) -> bytes:
    """Latencies as float64, then each key column as int32, little endian, compressed with Brotli."""
    rows = section.sorted_rows()
    latencies = np.array([ms for _, ms in rows], dtype="<f8").tobytes()
    keys = np.array([key for key, _ in rows], dtype="<i4").T.tobytes()
    return brotli.compress(latencies + keys, quality=11, lgwin=22)


def pack_slice(source: dict, sections: list[Section]) -> bytes:
    """Magic, length of the header (u32), header JSON, section bodies."""
    bodies, directory, offset = [], [], 0
    for section in sections:
        body = pack_section(section)
        directory.append({
            "name": section.name, "columns": list(section.columns), "rows": len(section.rows),
            "offset": offset, "bytes": len(body),
        })
        bodies.append(body)
        offset += len(body)
    header = json.dumps({"source": source, "sections": directory}, separators=(",", ":")).encode()
    return MAGIC + struct.pack("<I", len(header)) + header + b"".join(bodies)


def convert_tables(systems: Path, out: Path) -> None:
    (out / "tables").mkdir(parents=True, exist_ok=True)
    for system, backend, version in SLICES:
        sections = read_slice(systems, system, backend, version)
        source = {"system": system, "backend": backend, "backendVersion": version,
                  "ncclVersion": nccl_version(systems, system)}
        path = out / "tables" / f"{system}-{backend}-{version}.bin"
        path.write_bytes(pack_slice(source, list(sections.values())))
        rows = sum(len(section.rows) for section in sections.values())
        print(f"{path}: {rows} rows, {path.stat().st_size} bytes")


def kept_config(config: dict, hf_quant: dict | None) -> dict:
    kept = {key: config[key] for key in CONFIG_KEYS if config.get(key) is not None}
    quantization = config.get("quantization_config")
    if quantization:
        kept["quantization_config"] = {
            key: quantization[key] for key in QUANTISATION_KEYS if quantization.get(key) is not None
        }
    if hf_quant:
        algos = {key: hf_quant["quantization"].get(key) for key in ("quant_algo", "kv_cache_quant_algo")}
        kept["hf_quant_config"] = {"quantization": {key: value for key, value in algos.items() if value is not None}}
    return kept


def convert_models(configs: Path, extra: dict, out: Path) -> None:
    models, unsupported = {}, {}
    for path in sorted(configs.glob("*_config.json")):
        if path.name.endswith("_hf_quant_config.json"):
            continue
        stem = path.name[: -len("_config.json")]
        config = json.loads(path.read_text())
        architecture = config["architectures"][0]
        model_id = stem.replace("--", "/", 1)
        if architecture not in SUPPORTED_ARCHITECTURES:
            unsupported[model_id] = architecture
            continue
        quant_path = configs / f"{stem}_hf_quant_config.json"
        models[model_id] = kept_config(config, json.loads(quant_path.read_text()) if quant_path.exists() else None)
    models.update(extra["models"])
    for alias, target in extra["aliases"].items():
        if target not in models or alias in models:
            raise SystemExit(f"extra_models.json: bad alias {alias} -> {target}")
    table = {"models": dict(sorted(models.items())), "aliases": dict(sorted(extra["aliases"].items())),
             "unsupported": unsupported}
    write_json(out / "models.json", table)
    print(f"{out / 'models.json'}: {len(models)} models, {len(extra['aliases'])} aliases")


def write_json(path: Path, value: dict) -> None:
    """One line per entry of the second level, so that a change shows as a change of its line."""
    lines = ["{"]
    for index, (group, entries) in enumerate(value.items()):
        body = ",\n".join(f"    {json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
        lines.append(f"  {json.dumps(group)}: {{\n{body}\n  }}" + ("," if index < len(value) - 1 else ""))
    path.write_text("\n".join([*lines, "}"]) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=Path, required=True, help="folder with <system>.yaml and the tables")
    parser.add_argument("--configs", type=Path, required=True, help="folder with <owner>--<model>_config.json files")
    parser.add_argument("--out", type=Path, default=Path("data/aic"))
    arguments = parser.parse_args()
    convert_tables(arguments.systems, arguments.out)
    names = sorted({system for system, _, _ in SLICES})
    write_json(arguments.out / "systems.json",
               {"systems": {name: system_constants(arguments.systems, name) for name in names}})
    extra = json.loads((Path(__file__).parent / "extra_models.json").read_text())
    convert_models(arguments.configs, extra, arguments.out)


if __name__ == "__main__":
    main()
