"""Talks to text_probe: one process, one JSON object per line each way."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build" / "release")) / "text_probe"


class ProbeError(Exception):
    """What text_probe answered {"error": ...} to."""


class Probe:
    def __init__(self):
        self.process = subprocess.Popen(
            [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def __call__(self, op, **fields):
        self.process.stdin.write(json.dumps({"op": op, **fields}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"text_probe ended with {self.process.wait()}"
        answer = json.loads(line)
        if "error" in answer:
            raise ProbeError(answer["error"])
        return answer

    def encode(self, texts, **options):
        codes = [text if isinstance(text, bytes) else text.encode() for text in texts]
        return self("encode", hex=[code.hex() for code in codes], **options)["tokens"]

    def decode(self, tokens, skip_special=True):
        return self("decode", tokens=tokens, skip_special=skip_special)["texts"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0
