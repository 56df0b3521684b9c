"""Sequences: logits, samples, forks, observation."""

import numpy as np
import pytest
import weir

TEXT = "The river runs through the old town and"


@pytest.fixture
def tokens(engine):
    return engine.tokenize(TEXT)


def continue_greedily(sequence, count, greedy):
    out = []
    for _ in range(count):
        out.append(sequence.sample(greedy))
        sequence.append(out[-1:])
    return out


def test_logits_are_float32_and_stay(engine, tokens):
    sequence = engine.create_sequence()
    logits = sequence.append(tokens)
    assert logits.dtype == np.float32
    assert logits.shape == (engine.info.vocabulary,)
    before = logits.copy()
    sequence.append([5])
    assert np.array_equal(logits, before)
    assert sequence.tokens == [*tokens, 5]
    assert len(sequence) == len(tokens) + 1
    assert sequence.kv_bytes > 0


def test_all_logits_and_chunks_give_the_same_bits(engine, tokens):
    whole = engine.create_sequence().append(tokens, all_logits=True)
    assert whole.shape == (len(tokens), engine.info.vocabulary)
    one_by_one = engine.create_sequence()
    for i, token in enumerate(tokens):
        assert np.array_equal(one_by_one.append([token]), whole[i])


def test_sequences_and_requests_agree(engine, tokens, greedy):
    sequence = engine.create_sequence()
    sequence.append(tokens)
    by_hand = continue_greedily(sequence, 12, greedy)
    events = engine.generate(tokens, greedy, max_tokens=12, ignore_eos=True)
    assert [e.token for e in events if isinstance(e, weir.TokenEvent)] == by_hand


def test_a_fork_takes_on_a_recipe(engine, tokens):
    from weir.errors import InvalidError
    prompt = (8 * tokens)[:60]
    recipe = "keep=snapkv(budget=0.5,window=8)"
    plain = engine.create_sequence()
    plain.append(prompt[:50])
    fork, cold = plain.fork(kv=recipe), engine.create_sequence(recipe)
    assert np.array_equal(fork.append(prompt[50:]), cold.append(prompt))
    assert fork.kept(3, 1) == cold.kept(3, 1)
    assert len(fork.kept(3, 1)) == 30
    with pytest.raises(InvalidError, match="h2o"):
        plain.fork(kv="keep=h2o")


def test_forks_are_independent(engine, tokens, greedy):
    sequence = engine.create_sequence()
    sequence.append(tokens)
    fork = sequence.fork()
    expected = continue_greedily(sequence.fork(), 6, greedy)
    sequence.append(engine.tokenize(" completely different words"))
    assert fork.tokens == tokens
    assert continue_greedily(fork, 6, greedy) == expected
    del sequence
    assert fork.tokens == tokens + expected


def test_joint_append(engine, tokens):
    alone = [engine.create_sequence().append(tokens), engine.create_sequence().append(tokens[:3])]
    pair = [engine.create_sequence(), engine.create_sequence()]
    engine.append([(pair[0], tokens), (pair[1], tokens[:3])])
    for sequence, logits in zip(pair, alone):
        assert np.array_equal(sequence.logits, logits)
    with pytest.raises(weir.errors.InvalidError):
        engine.append([(pair[0], tokens), (pair[0], tokens)])


def test_seeds_repeat(engine, tokens):
    options = weir.SamplingOptions(temperature=1.5, seed=11)
    runs = []
    for _ in range(2):
        sequence = engine.create_sequence()
        sequence.append(tokens)
        runs.append(continue_greedily(sequence, 6, options))
    assert runs[0] == runs[1]


def test_wrong_tokens_change_nothing(engine, tokens):
    sequence = engine.create_sequence()
    sequence.append(tokens)
    for wrong in ([-1], [engine.info.vocabulary], [1] * 5000):
        with pytest.raises(weir.errors.InvalidError):
            sequence.append(wrong)
    assert sequence.tokens == tokens


def test_sampling_needs_logits(engine):
    with pytest.raises(weir.errors.InvalidError):
        engine.create_sequence().sample()


def test_what_an_observer_raises_comes_out_of_append(engine, tokens, capfd):
    calls = []

    def failing(*observed):
        calls.append(observed[1])
        raise KeyError("mine")

    sequence, other = engine.create_sequence(), engine.create_sequence()
    sequence.observe([weir.Observable.LAYER_OUTPUT], failing)
    with pytest.raises(KeyError, match="mine"):
        sequence.append(tokens)
    assert calls == [0]
    with pytest.raises(KeyError, match="mine"):
        engine.append([(other, tokens), (sequence, [5])])
    assert sequence.tokens == [*tokens, 5]
    sequence.observe([], None)
    sequence.append([6])
    assert capfd.readouterr().err == ""


def test_observation(engine, tokens):
    seen = []
    sequence = engine.create_sequence()
    sequence.observe([weir.Observable.LAYER_OUTPUT, weir.Observable.FINAL_NORM],
                     lambda *observed: seen.append(observed))
    sequence.append(tokens)
    outputs = [o for o in seen if o[0] == weir.Observable.LAYER_OUTPUT]
    assert [o[1] for o in outputs] == list(range(engine.info.layers))
    assert outputs[0][3].shape == (len(tokens), engine.info.d_model)
    assert [o[3].shape for o in seen if o[0] == weir.Observable.FINAL_NORM] == [
        (1, engine.info.d_model)]
    count = len(seen)
    sequence.observe([], None)
    sequence.append([5])
    assert len(seen) == count


def test_pages_read_and_their_bounds(engine, tokens):
    seen = []
    sequence = engine.create_sequence("read=certified(error=1,dense=1)")
    sequence.observe([weir.Observable.READ_BOUND], lambda *observed: seen.append(observed))
    sequence.append((tokens * 200)[:200])
    assert not seen and sequence.pages_read == (0, 0)
    sequence.append([5])
    assert [o[1] for o in seen] == list(range(1, engine.info.layers))
    assert all(o[2] == 200 and o[3].shape == (1, engine.info.heads) for o in seen)
    assert all((o[3] > 0).all() for o in seen)
    read, there = sequence.pages_read
    assert there == (engine.info.layers - 1) * engine.info.kv_heads * 4
    assert 0 < read <= there
