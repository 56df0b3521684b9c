"""The real models, their references and the texts they are run on."""

import functools
import pathlib

import pytest

from engine_probe import Probe, Refused
from model import Model

NAMES = ("smollm2", "gemma3-270m")
TEXTS = sorted((pathlib.Path(__file__).parent / "texts").glob("*.txt"))
PROMPTS = (
    "The capital of France is",
    "Once upon a time, in a small village by the sea,",
    "Water boils at",
    "def fibonacci(n):\n",
    "The three primary colours are",
    "To make a cup of tea, first",
    "In 1969, the first humans",
    "The opposite of hot is",
    "My favourite season is autumn because",
    "A triangle has three sides; a hexagon has",
    "Dear Sir or Madam,\n\nI am writing to",
    "SELECT name, price FROM products WHERE",
    "The mitochondrion is",
    "Q: How many legs does a spider have?\nA:",
    "Monday, Tuesday, Wednesday,",
    "The old lighthouse keeper looked at the storm and",
    "#include <stdio.h>\n\nint main(void) {\n",
    "Photosynthesis is the process by which",
    "La tour Eiffel se trouve à",
    "1, 1, 2, 3, 5, 8,",
)


def path_of(name):
    """The file of a real model; skips the test where it has not been pulled."""
    with Probe() as probe:
        try:
            return probe.resolve(name)
        except Refused as missing:
            pytest.skip(str(missing))


@functools.lru_cache(maxsize=1)  # A model takes one or two gigabytes in float32.
def reference(path):
    return Model(path)
