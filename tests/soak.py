"""How much the tests with random input try: `make soak` sets WEIR_SOAK=1."""

import os


def soak(usual, more):
    """`more` under `make soak`, else `usual`."""
    return more if os.environ.get("WEIR_SOAK") == "1" else usual
