"""Store methods hold what their rules say, and attention reads what they hold.

KIVI's rule is written out a second time, in NumPy, from the keys and values that the model
computed: keys in groups of tokens of one channel, values in groups of channels of one token,
least and greatest, 2^bits - 1 steps. Scales and offsets are halves, as in the authors' code.
Attention over that is what the model's heads must have given: in float64, but that queries and
weights meet the codes as whole numbers (src/kernels/grid.h).

MiniCache's rule likewise, from the keys and values of two layers: what a sequence holds of them,
and what attention gave.
"""

import copy

import numpy as np
import pytest

from attention import attention

PAGE = 64  # Rows are encoded so many at a time.
PROMPT, STEPS = 500, 40


class Rows:
    """Rows of one head, [rows, dim], as they are."""

    def __init__(self, k, v):
        self.k, self.v = k, v

    def first(self, rows):
        return Rows(self.k[:rows], self.v[:rows])

    def logits(self, q):
        return self.k @ q

    def weighted(self, weights):
        return weights @ self.v


class Grids:
    """`x` [steps, lanes] in groups of lanes, each on a grid between its extremes."""

    def __init__(self, x, bits, group):
        groups = x.reshape(len(x), -1, group)
        least = groups.min(axis=-1, keepdims=True)
        step = ((groups.max(axis=-1, keepdims=True) - least) / np.float32(2**bits - 1))
        least, step = (a.astype(np.float16).astype(np.float32) for a in (least, step))
        with np.errstate(invalid="ignore", divide="ignore"):
            codes = np.where(step > 0, (groups - least) / step, 0)
        self.middle, self.factors = (2**bits - 1) / 2, 32767 if bits == 8 else 127
        self.codes = np.clip(codes, 0, 2**bits - 1).round()
        self.least, self.step = (a.astype(np.float64)[..., 0] for a in (least, step))

    def times(self, x):
        """x [steps] times these, [lanes]: x times the grids' steps as whole numbers, the largest of
        them `factors`; what rounding takes meets the middles of the grids."""
        scaled = x[:, None] * self.step
        unit = np.abs(scaled).max(axis=0) / self.factors
        factors = np.divide(scaled, unit, out=np.zeros_like(scaled), where=unit > 0).round()
        products = np.einsum("sg,sgl->gl", factors, self.codes - self.middle)
        middles = x @ (self.least + self.step * self.middle)
        return (middles[:, None] + unit[:, None] * products).ravel()


class GridPages:
    """Pages of rows of one head: keys on a grid for each dimension, values for each row."""

    def __init__(self, k, v, bits, group):
        pages = [slice(at, at + PAGE) for at in range(0, len(k), PAGE)]
        self.pages = [(Grids(k[p].T, bits, group), Grids(v[p], bits, group)) for p in pages]
        self.dim = v.shape[1]

    def first(self, rows):
        out = copy.copy(self)
        out.pages = self.pages[: rows // PAGE]
        return out

    def logits(self, q):
        return np.concatenate([np.zeros(0)] + [keys.times(q) for keys, _ in self.pages])

    def weighted(self, weights):
        return sum((values.times(weights[i * PAGE : (i + 1) * PAGE])
                    for i, (_, values) in enumerate(self.pages)), np.zeros(self.dim))


def attention_over(q, parts):
    """Of one query over rows of several kinds."""
    logits = [part.logits(q) / np.sqrt(len(q)) for part in parts]
    most = max(each.max(initial=-np.inf) for each in logits)
    weights = [np.exp(each - most) for each in logits]
    total = sum(each.sum() for each in weights)
    return sum(part.weighted(each) for part, each in zip(parts, weights)) / total


def settled(tokens, residual):
    """After so many tokens, the rows that are encoded."""
    point = tokens // PAGE * PAGE
    return max(0, point - residual) // PAGE * PAGE


def computed(engine, recipe):
    """A sequence under the recipe, how many heads share keys, and what rows were, in float32."""
    from certified import decoded

    text = "She counted the boats, and the gulls, and the days since the letter had come. "
    tokens = engine.tokenize(text, add_special=True, parse_special=False) * 40
    sequence, seen = decoded(engine, recipe, tokens[: PROMPT + STEPS], PROMPT)
    return sequence, seen.group, lambda name, layer: seen.of(name, layer).astype(np.float32)


def check_attention(rows, layer, head, of, coded, residual, within):
    """Every query has read the encoded rows there were when its step began, and raw ones since.
    Gives the last one's error, and how far it is from attention over raw rows."""
    q, k, v, out = (rows(name, layer) for name in ("QUERY", "KEY", "VALUE", "ATTENTION"))
    keys, values = k[:, of], v[:, of]
    for position in [63, 64, 127, 128, 200, 257, PROMPT - 1, PROMPT + STEPS - 1]:
        split, end = settled(position, residual), position + 1
        query, got = q[position, head].astype(np.float64), out[position, head]
        want = attention_over(query, [coded.first(split), Rows(keys[split:end], values[split:end])])
        error = np.linalg.norm(got - want) / np.linalg.norm(want)
        assert error < within, f"layer {layer} head {head} position {position}: {error}"
    raw = attention(query, keys, values)
    return error, np.linalg.norm(got - raw) / np.linalg.norm(raw)


@pytest.mark.parametrize("recipe, bits, residual, group", [
    ("store=int8", 8, 0, 32),
    ("store=kivi(bits=4)", 4, 128, 32),
    ("store=kivi(bits=4,group=64)", 4, 128, 64),
    ("store=kivi(bits=2,residual=64)", 2, 64, 32),
])
def test_attention_reads_what_the_rule_encodes(engine, recipe, bits, residual, group):
    _, heads, rows = computed(engine, recipe)
    errors = []
    for layer in range(0, engine.info.layers, 7):
        for head in range(0, engine.info.heads, 4):
            of = head // heads
            k, v = (rows(name, layer)[:, of] for name in ("KEY", "VALUE"))
            whole = len(k) // PAGE * PAGE
            coded = GridPages(k[:whole], v[:whole], bits, group)
            errors.append(check_attention(rows, layer, head, of, coded, residual, within=1e-4))
    # The rows that were given would be told from what they were encoded to.
    error, difference = np.mean(errors, axis=0)
    assert difference > 10 * error


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def merged(a, b, t, stay):
    """What both layers' rows of one head, [rows, dim], become: a direction on the great circle
    through both, at their own lengths; of each page the `stay` rows furthest apart are themselves.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    angle = np.arccos(np.sum(unit(a) * unit(b), axis=-1, keepdims=True).clip(-1, 1))
    # From a towards the part of b that is upright on it.
    upright = unit(unit(b) - unit(a) * np.cos(angle))
    shared = unit(a) * np.cos(t * angle) + upright * np.sin(t * angle)
    furthest = np.argsort(-angle.reshape(-1, PAGE), axis=1, kind="stable")[:, :stay]
    stays = np.zeros((len(a) // PAGE, PAGE), bool)
    np.put_along_axis(stays, furthest, True, axis=1)
    stays = stays.reshape(-1, 1)
    return [np.where(stays, x, shared * np.linalg.norm(x, axis=-1, keepdims=True)) for x in (a, b)]


@pytest.mark.parametrize("recipe, start, t, stay, residual", [
    ("store=minicache", 15, 0.6, 3, 0),
    ("store=minicache(start=0.4,t=0.3,gamma=0.2,residual=64)", 12, 0.3, 13, 64),
])
def test_two_layers_share_directions(engine, recipe, start, t, stay, residual):
    sequence, group, rows = computed(engine, recipe)
    errors = []
    whole = settled(PROMPT + STEPS, residual)
    for first in range(start, engine.info.layers - 1, 6):
        for head in range(0, engine.info.heads, 4):
            of = head // group
            keys, values = (merged(*(rows(name, first + i)[:whole, of] for i in (0, 1)), t, stay)
                            for name in ("KEY", "VALUE"))
            for i in (0, 1):
                _, k, v = sequence.kept_rows(first + i, of)
                for held, want in ((k, keys[i]), (v, values[i])):
                    assert np.abs(held[:whole] - want).max() < 1e-5 * np.abs(want).max()
                coded = Rows(keys[i], values[i])
                errors.append(
                    check_attention(rows, first + i, head, of, coded, residual, within=1e-5))
    error, difference = np.mean(errors, axis=0)
    assert difference > 100 * error
    # The first layers, and the odd one at the end, hold what was computed.
    for layer in (0, start - 1) + ((29,) if start % 2 else ()):
        _, k, _ = sequence.kept_rows(layer, 0)
        assert np.array_equal(k, rows("KEY", layer)[:, 0])
