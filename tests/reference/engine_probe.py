"""Drives the C++ program engine_probe: an engine in a process of its own, so that each test may
choose another instruction set (WEIR_ISA is read once per process)."""

import json
import os
import pathlib
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]

# weir/observe.h
EMBEDDING, QUERY, KEY, VALUE, ATTENTION, LAYER_OUTPUT, FINAL_NORM = (1 << i for i in range(7))


def program() -> pathlib.Path:
    """$WEIR_PROBE, or that of the build directory ($WEIR_BUILD)."""
    build = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build/release"))
    return pathlib.Path(os.environ.get("WEIR_PROBE", build / "engine_probe"))


class Refused(RuntimeError):
    """The engine answered a call with an error."""


class Probe:
    """One process with one engine. Sequences go by names of the caller's choice."""

    def __init__(self, isa=None):
        environment = dict(os.environ) | ({"WEIR_ISA": isa} if isa else {})
        self._process = subprocess.Popen(
            [program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.wait(60) != 0:
            raise RuntimeError(f"the probe ended with status {self._process.returncode}")

    def call(self, name, **arguments):
        """The reply and its floats."""
        self._process.stdin.write(json.dumps({name: arguments}).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the probe died in {name}")
        reply = json.loads(line)
        if "error" in reply:
            raise Refused(reply["error"])
        floats = np.frombuffer(self._process.stdout.read(4 * reply["floats"]), np.float32)
        return reply, floats

    def open(self, model, **options):
        self.info, _ = self.call("open", model=str(model), **options)
        return self.info

    def resolve(self, model):
        return self.call("resolve", model=model)[0]["path"]

    def tokenize(self, text, add_special=True):
        return self.call("tokenize", text=text, add_special=add_special)[0]["tokens"]

    def detokenize(self, tokens):
        return self.call("detokenize", tokens=tokens)[0]["text"]

    def create(self, sequence="s"):
        self.call("create", sequence=sequence)

    def drop(self, sequence="s"):
        self.call("drop", sequence=sequence)

    def append(self, tokens, sequence="s", all=True):
        """Logits [tokens, vocabulary], or [1, vocabulary] of the last."""
        _, floats = self.call("append", sequence=sequence, tokens=list(tokens), all=all)
        return floats.reshape(-1, self.info["vocabulary"])

    def observed_append(self, tokens, what, sequence="s", all=True):
        """Logits as append(), and {(what, layer): values [tokens, columns]}. `what` is a union of
        the constants above; FINAL_NORM has the rows that have logits."""
        self.call("observe", sequence=sequence, what=what)
        reply, floats = self.call("append", sequence=sequence, tokens=list(tokens), all=all)
        parts, at = {}, 0
        for o in reply.get("observed", []):
            size = o["rows"] * o["columns"]
            rows = floats[at : at + size].reshape(o["rows"], o["columns"])
            parts.setdefault((o["what"], o["layer"]), []).append((o["position"], rows))
            at += size
        values = {
            key: np.concatenate([rows for _, rows in sorted(found, key=lambda f: f[0])])
            for key, found in parts.items()
        }
        return floats[at:].reshape(-1, self.info["vocabulary"]), values

    def sample(self, seeds, sequence="s", **options):
        """One draw from the last logits for each seed."""
        reply, _ = self.call("sample", sequence=sequence, seeds=list(seeds), options=options)
        return reply["tokens"]

    def generate(self, prompt, choices=1, max_tokens=16, **options):
        reply, _ = self.call(
            "generate", prompt=list(prompt), choices=choices, max_tokens=max_tokens, options=options
        )
        return reply["choices"]
