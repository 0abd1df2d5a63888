"""Optuna drives dynosim: each trial is one `dynosim replay`, whose report comes on standard output.

    pip install optuna
    python3 examples/optuna_search.py

The same few lines serve any optimiser that calls a function: in Ray Tune, `replay` is the body of the trainable.
"""

import json
import subprocess

import optuna

TRACE = "traces/conversation_sample.jsonl"
DYNOSIM = ["npx", "dynosim"]


def replay(*flags: str) -> dict:
    """The report of a run; raises where dynosim ends with another status than 0."""
    command = [*DYNOSIM, "replay", TRACE, "--quiet", "--json", "-", *flags]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def objective(trial: optuna.Trial) -> int:
    """GPUs, of settings that hold p99 TTFT below two seconds."""
    workers = trial.suggest_int("workers", 2, 8)
    router = trial.suggest_categorical("router", ["round_robin", "kv_router"])
    engine = {"max_num_seqs": trial.suggest_int("max_num_seqs", 8, 256, log=True)}
    report = replay(
        "--num-workers", str(workers), "--router-mode", router, "--extra-engine-args", json.dumps(engine)
    )
    trial.set_user_attr("p99_ttft_ms", report["p99_ttft_ms"])
    if report["p99_ttft_ms"] >= 2000:
        raise optuna.TrialPruned()
    return workers


if __name__ == "__main__":
    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(objective, n_trials=20)
    print(study.best_trial.value, study.best_trial.params, study.best_trial.user_attrs)
