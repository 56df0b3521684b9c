#!/usr/bin/env python3
"""weir and llama.cpp on the same file, the same machine and the same cores, in turn: A B A B.

    bench/build_llama_cpp.sh
    bench/compare.py --model smollm2 --rounds 5 [--json]

Each side runs with its best settings: llama.cpp's --repack and -fa are tried first, per case. A
case is a prefill, a decode at a depth, or the total decode of several sequences. Run it on a quiet
machine; ratios of best figures are what to quote.
"""

import argparse
import datetime
import itertools
import json
import pathlib
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
WEIR = ROOT / "build/release/weir"
PEER = ROOT / "build/peers/llama.cpp/build"


@dataclass(frozen=True)
class Case:
    """`prefill` tokens are timed, or else `decode` steps of `batch` sequences at `depth`."""

    prefill: int = 0
    decode: int = 0
    depth: int = 0
    batch: int = 1

    def __str__(self):
        if self.prefill:
            return f"prefill {self.prefill}"
        if self.batch > 1:
            return f"decode, {self.batch} sequences at {self.depth}"
        return f"decode at {self.depth}"


DEFAULT = [
    Case(prefill=512),
    Case(prefill=4096),
    Case(decode=64),
    Case(decode=64, depth=4096),
    Case(decode=32, depth=128, batch=8),
    Case(decode=32, depth=128, batch=32),
]


def run(*command):
    """What a command prints to stdout."""
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr[-2000:]}")
    return result.stdout


class Weir:
    settings = [()]

    def __init__(self, model, threads):
        self.model, self.threads = model, threads

    def speed(self, case, _):
        """Tokens per second, once."""
        depth = 0 if case.prefill else max(case.depth, 1)
        out = run(
            *(WEIR, "bench", "speed", "-m", self.model, "--threads", self.threads, "--repeat", 1),
            *("--prompt-tokens", case.prefill, "--gen-tokens", case.decode, "--depth", depth),
            *("--batch", case.batch, "--max-model-len", 8192, "--json"),
        )
        name = "prefill_tokens_per_s" if case.prefill else "decode_tokens_per_s"
        return json.loads(out)[name]["best"]


class LlamaCpp:
    settings = list(itertools.product((0, 1), (0, 1)))

    def __init__(self, file, threads):
        self.file, self.threads = file, threads

    def speed(self, case, setting):
        return self.batched(case, *setting) if case.batch > 1 else self.single(case, *setting)

    def single(self, case, repack, flash):
        out = run(
            *(PEER / "bin/llama-bench", "-m", self.file, "-t", self.threads, "-r", 1, "-o", "json"),
            *("-p", case.prefill, "-n", case.decode, "-d", case.depth),
            *("--repack", repack, "-fa", flash),
        )
        return json.loads(out)[0]["avg_ts"]

    def batched(self, case, repack, flash):
        out = run(
            *(PEER / "bin/llama-batched-bench", "-m", self.file, "-t", self.threads),
            *("-c", case.batch * (case.depth + case.decode), "-npp", case.depth),
            *("-ntg", case.decode, "-npl", case.batch, "-fa", "on" if flash else "off"),
            *("--repack" if repack else "--no-repack", "--output-format", "jsonl"),
        )
        lines = [line for line in out.splitlines() if line.startswith("{")]
        return json.loads(lines[-1])["speed_tg"]


@dataclass
class Side:
    setting: tuple = ()
    speeds: list = field(default_factory=list)

    def row(self):
        return {
            "setting": self.setting,
            "best": max(self.speeds),
            "median": statistics.median(self.speeds),
            "all": self.speeds,
        }


def compare(case, weir, peer, rounds):
    """Both sides' figures, taken in turn."""
    trials = {s: peer.speed(case, s) for s in peer.settings}
    a, b = Side(), Side(max(trials, key=trials.get))
    for _ in range(rounds):
        a.speeds.append(weir.speed(case, a.setting))
        b.speeds.append(peer.speed(case, b.setting))
    ours, theirs = a.row(), b.row()
    return {
        "case": str(case),
        "weir": ours,
        "llama.cpp": theirs,
        "ratio_best": ours["best"] / theirs["best"],
        "ratio_median": ours["median"] / theirs["median"],
    }


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def table_row(r):
    a, b = r["weir"], r["llama.cpp"]
    repack, flash = b["setting"]
    return (
        f"| {r['case']} | {a['best']:.0f} ({a['median']:.0f}) | {b['best']:.0f} "
        f"({b['median']:.0f}) | {repack}, {flash} | {r['ratio_best']:.2f} "
        f"({r['ratio_median']:.2f}) |"
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2", help="a name that weir has pulled")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose name begins so")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    args = arguments()
    file = json.loads(run(WEIR, "model", "pull", args.model, "--json"))["path"]
    weir, peer = Weir(args.model, args.threads), LlamaCpp(file, args.threads)
    cases = [c for c in DEFAULT if str(c).startswith(args.only)]
    if not args.json:
        print(f"{args.model}, {args.threads} threads, {cpu()}, {datetime.date.today()};", end=" ")
        print(f"tokens/s, best (median) of {args.rounds}\n")
        print("| | weir | llama.cpp | its repack, fa | ratio |\n|---|---|---|---|---|")
    for case in cases:
        result = compare(case, weir, peer, args.rounds)
        print(json.dumps(result) if args.json else table_row(result), flush=True)


if __name__ == "__main__":
    main()
