"""What weir eval reports, worked out a second time from the sequences of the Python module.

The text is as long as two samples, so that each sample is half of it, whatever chance says. The
first is computed whole under each recipe, the second shares what it can.
"""

import hashlib
import json

import numpy as np
import pytest

CONTEXT, STEPS, PIECE = 300, 64, 64
SAMPLE, SAMPLES = CONTEXT + STEPS + 1, 2
RECIPE = "keep=snapkv(budget=0.25)"


@pytest.fixture(scope="module")
def engine(smollm2):
    import weir
    return weir.Engine(str(smollm2), max_model_len=512, threads=2)


@pytest.fixture(scope="module")
def text(engine):
    words = "The {} of the {} is not what the {} of the {} was, said the {}. "
    things = "river house market garden letter winter station window bridge summer".split()
    long = "".join(words.format(*(things[(i * j) % 10] for j in range(1, 6))) for i in range(60))
    cut = engine.detokenize(engine.tokenize(long, add_special=False)[:SAMPLES * SAMPLE])
    assert len(engine.tokenize(cut, add_special=False)) == SAMPLES * SAMPLE
    return cut


@pytest.fixture(scope="module")
def samples(engine, text):
    """Each with what the model wants before a text."""
    first = engine.tokenize("", add_special=True)
    plain = engine.tokenize(text, add_special=False)
    parts = [plain[i * SAMPLE:(i + 1) * SAMPLE] for i in range(SAMPLES)]
    assert parts[0] != parts[1]
    return [(first or part[:1]) + part[1:] for part in parts]


@pytest.fixture(scope="module")
def ran(run, text, tmp_path_factory):
    """(table, figures): one sample more is asked for than there is text for."""
    folder = tmp_path_factory.mktemp("by-hand")
    (folder / "text").write_text(text)
    result = run("--recipe", RECIPE, "--text", folder / "text", "--context", CONTEXT, "--samples",
                 SAMPLES + 1, "--json", folder / "j", "--max-model-len", 512, "--tasks", "none",
                 "--stream")
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads((folder / "j").read_text())


@pytest.fixture(scope="module")
def arm(ran):
    """What is reported of the recipe."""
    (context,) = ran[1]["contexts"]
    assert context["tasks"] == []
    assert context["stream_positions"] == [[1, 256], [257, CONTEXT]]
    return context["recipes"][1]


def test_there_are_as_many_samples_as_the_text_has_room_for(ran, text):
    table, figures = ran
    assert (figures["samples"], figures["contexts"][0]["samples"]) == (SAMPLES + 1, SAMPLES)
    assert f"2 samples: the text has no more stretches of {SAMPLE} tokens" in table
    assert figures["text_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (figures["text_bytes"], figures["text_tokens"]) == (len(text), SAMPLES * SAMPLE)


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


def test_attention_errors(engine, samples, arm):
    def errors(tokens):
        full, other = (Watched(engine, r, tokens[:CONTEXT]) for r in ("keep=all", RECIPE))
        for token in tokens[CONTEXT:CONTEXT + STEPS]:
            full.sequence.append([token])
            other.sequence.append([token])
            apart = np.linalg.norm(other.heads - full.heads, axis=2)
            yield apart / np.linalg.norm(full.heads, axis=2)

    want = [np.mean(list(errors(tokens)), axis=0) for tokens in samples]
    np.testing.assert_allclose(arm["attention_error_by_head"], np.mean(want, axis=0), rtol=1e-9)
    measure = arm["measures"]["attention_error"]
    assert measure["samples"] == pytest.approx([grid.mean() for grid in want], rel=1e-9)
    assert measure["mean"] == pytest.approx(np.mean(want), rel=1e-9)
    assert np.min(want) > 0


@pytest.mark.parametrize("sample", range(SAMPLES))
def test_a_text_in_pieces(engine, samples, arm, sample):
    tokens = samples[sample]

    def nll(recipe):
        sequence = engine.create_sequence(recipe)
        rows = [sequence.append(tokens[i:min(i + PIECE, CONTEXT)], all_logits=True)
                for i in range(0, CONTEXT, PIECE)]
        logits = np.concatenate(rows).astype(np.float64)
        total = np.logaddexp.reduce(logits, axis=1)
        return total - logits[np.arange(CONTEXT), tokens[1:CONTEXT + 1]], sequence.kv_bytes

    other, held = nll(RECIPE)
    for first, last in ((1, 256), (257, CONTEXT)):
        measure = arm["measures"][f"stream_nll_{first}_{last}"]
        assert measure["samples"][sample] == pytest.approx(other[first - 1:last].mean(), rel=1e-9)
    assert arm["measures"]["stream_bytes"]["samples"][sample] >= held
