"""Store methods hold what their rules say, and attention reads what they hold.

KIVI's rule is written out a second time, in NumPy, from the keys and values that the model
computed: keys in groups of 32 tokens of one channel, values in groups of 32 channels of one token,
least and greatest, 2^bits - 1 steps. Scales and offsets are halves, as in the authors' code.
Attention over that, in float64, is what the model's heads must have given.
"""

import numpy as np
import pytest

from attention import attention

GROUP = 32
PAGE = 64  # Rows are encoded so many at a time.
PROMPT, STEPS = 500, 40


def on_grid(x, bits, axis):
    """`x` [rows, dim], in groups of 32 along the axis."""
    groups = np.moveaxis(x, axis, -1).reshape(*np.moveaxis(x, axis, -1).shape[:-1], -1, GROUP)
    least = groups.min(axis=-1, keepdims=True)
    step = ((groups.max(axis=-1, keepdims=True) - least) / np.float32(2**bits - 1))
    least, step = (a.astype(np.float16).astype(np.float32) for a in (least, step))
    with np.errstate(invalid="ignore", divide="ignore"):
        codes = np.where(step > 0, (groups - least) / step, 0)
    codes = np.clip(codes, 0, 2**bits - 1).round()
    out = (least.astype(np.float64) + step.astype(np.float64) * codes)
    return np.moveaxis(out.reshape(np.moveaxis(x, axis, -1).shape), -1, axis)


def settled(tokens, residual):
    """After so many tokens, the rows that are encoded."""
    point = tokens // PAGE * PAGE
    return max(0, point - residual) // PAGE * PAGE


@pytest.mark.parametrize("recipe, bits, residual", [
    ("store=int8", 8, 0),
    ("store=kivi(bits=4)", 4, 128),
    ("store=kivi(bits=2,residual=64)", 2, 64),
])
def test_attention_reads_what_the_rule_encodes(engine, recipe, bits, residual):
    from certified import decoded

    text = "She counted the boats, and the gulls, and the days since the letter had come. "
    tokens = (engine.tokenize(text, add_special=True, parse_special=False) * 40)
    _, seen = decoded(engine, recipe, tokens[: PROMPT + STEPS], PROMPT)
    errors, differences = [], []
    for layer in range(0, engine.info.layers, 7):
        q, k, v, out = (seen.of(name, layer) for name in ("QUERY", "KEY", "VALUE", "ATTENTION"))
        for head in range(0, q.shape[1], 4):
            keys, values = (x[:, head // seen.group].astype(np.float32) for x in (k, v))
            whole = len(keys) // PAGE * PAGE
            coded_keys = on_grid(keys[:whole], bits, axis=0)
            coded_values = on_grid(values[:whole], bits, axis=1)
            for position in [63, 64, 127, 128, 200, 257, PROMPT - 1, PROMPT + STEPS - 1]:
                # Rows that were encoded when this query's step began, and those that were not yet.
                split, end = settled(position, residual), position + 1
                want = attention(
                    q[position, head],
                    np.concatenate([coded_keys[:split], keys[split:end]]),
                    np.concatenate([coded_values[:split], values[split:end]]))
                error = np.linalg.norm(out[position, head] - want) / np.linalg.norm(want)
                # Queries and weights meet the codes as numbers of 16 bits.
                assert error < 8e-4, f"layer {layer} head {head} position {position}: {error}"
            raw = attention(q[-1, head], keys, values)
            errors.append(error)
            differences.append(np.linalg.norm(out[-1, head] - raw) / np.linalg.norm(raw))
    # The rows that were given would be told from what they were encoded to.
    assert np.mean(differences) > 10 * np.mean(errors)
