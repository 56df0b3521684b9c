"""What weir eval reports, worked out a second time from the sequences of the Python module.

The text is as long as one sample, so that each sample is the text. There are two: the first is
computed whole under each recipe, the second shares what it can.
"""

import json

import numpy as np
import pytest

CONTEXT, STEPS, PIECE = 300, 64, 64
RECIPE = "keep=snapkv(budget=0.25)"


@pytest.fixture(scope="module")
def engine(smollm2):
    import weir
    return weir.Engine(str(smollm2), max_model_len=512, threads=2)


@pytest.fixture(scope="module")
def text(engine):
    words = "The {} of the {} is not what the {} of the {} was, said the {}. "
    things = "river house market garden letter winter station window bridge summer".split()
    long = "".join(words.format(*(things[(i * j) % 10] for j in range(1, 6))) for i in range(40))
    cut = engine.detokenize(engine.tokenize(long, add_special=False)[:CONTEXT + STEPS + 1])
    assert len(engine.tokenize(cut, add_special=False)) == CONTEXT + STEPS + 1
    return cut


@pytest.fixture(scope="module")
def tokens(engine, text):
    """As the model wants a text to begin."""
    first = engine.tokenize("", add_special=True)
    plain = engine.tokenize(text, add_special=False)
    return (first or plain[:1]) + plain[1:]


@pytest.fixture(scope="module")
def arm(run, text, tmp_path_factory):
    """What is reported of the recipe."""
    folder = tmp_path_factory.mktemp("by-hand")
    (folder / "text").write_text(text)
    result = run("--recipe", RECIPE, "--text", folder / "text", "--context", CONTEXT, "--samples",
                 2, "--json", folder / "j", "--max-model-len", 512, "--tasks", "none", "--stream")
    assert result.returncode == 0, result.stderr
    (context,) = json.loads((folder / "j").read_text())["contexts"]
    assert context["tasks"] == []
    assert context["stream_positions"] == [[1, 256], [257, CONTEXT]]
    return context["recipes"][1]


class Watched:
    """A sequence that holds the prompt, and the attention of the last token, by layer and head."""

    def __init__(self, engine, recipe, prompt):
        import weir
        self.sequence = engine.create_sequence(recipe)
        self.sequence.append(prompt)
        info = engine.info
        self.heads = np.zeros((info.layers, info.heads, info.head_dim))
        heads = self.heads  # The sequence holds the callback: it must not hold the sequence.

        def note(what, layer, position, values):
            heads[layer] = values[-1].reshape(heads.shape[1:])

        self.sequence.observe([weir.Observable.ATTENTION], note)


def test_attention_errors(engine, tokens, arm):
    full, other = (Watched(engine, r, tokens[:CONTEXT]) for r in ("keep=all", RECIPE))
    errors = []
    for token in tokens[CONTEXT:CONTEXT + STEPS]:
        full.sequence.append([token])
        other.sequence.append([token])
        apart = np.linalg.norm(other.heads - full.heads, axis=2)
        errors.append(apart / np.linalg.norm(full.heads, axis=2))
    want = np.mean(errors, axis=0)
    np.testing.assert_allclose(arm["attention_error_by_head"], want, rtol=1e-9)
    assert arm["measures"]["attention_error"]["mean"] == pytest.approx(want.mean(), rel=1e-9)
    assert want.min() > 0


def test_a_text_in_pieces(engine, tokens, arm):
    def nll(recipe):
        sequence = engine.create_sequence(recipe)
        rows = [sequence.append(tokens[i:min(i + PIECE, CONTEXT)], all_logits=True)
                for i in range(0, CONTEXT, PIECE)]
        logits = np.concatenate(rows).astype(np.float64)
        total = np.logaddexp.reduce(logits, axis=1)
        return total - logits[np.arange(CONTEXT), tokens[1:CONTEXT + 1]], sequence.kv_bytes

    full, _ = nll("keep=all")
    other, held = nll(RECIPE)
    for first, last in ((1, 256), (257, CONTEXT)):
        measure = arm["measures"][f"stream_nll_{first}_{last}"]
        part = slice(first - 1, last)
        assert measure["mean"] == pytest.approx(other[part].mean(), rel=1e-9)
        assert measure["change"] == pytest.approx((other[part] - full[part]).mean(), abs=1e-9)
    assert arm["measures"]["stream_bytes"]["mean"] >= held
