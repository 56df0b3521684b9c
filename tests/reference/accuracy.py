"""How far the integer path (the default) is from the reference: measures, and writes the page.

    python tests/reference/accuracy.py [MODEL...] > docs/accuracy.md

KL divergence is of the next-token distributions, sum p log(p / q) with p the reference's, in nats,
over every position of the texts in tests/reference/texts. A greedy continuation agrees for as many
tokens as the reference, given what came before, would have chosen the same.
"""

import datetime
import sys
from dataclasses import dataclass

import numpy as np

import real_models
from engine_probe import Probe

CHUNK = 64  # Rows of logits at a time: Gemma's have 262,144 columns.
CONTINUATION = 48


STUDY = """
## Why a scale for each 32 columns

Before the kernels were written, the roundings were tried one by one in the NumPy reference
(2026-11-21; 3,072 positions of SmolLM2, 768 of Gemma). Mean KL divergence:

| activations in 8 bits, a scale for each | SmolLM2 | Gemma 3 270M |
|---|---|---|
| 32 columns | 0.0036 | 0.0028 |
| 64 columns | 0.0068 | 0.0049 |
| token | 0.043 | 0.041 |

Keys and values in f16 cost 1e-6, in bf16 4e-5: hence f16 by default.

## Beside llama.cpp

2026-11-21: llama.cpp (of llama-cpp-python 0.3.36) continued the same token ids of the same files
greedily. The two engines round activations differently, so texts part where two tokens are nearly
as likely; what each finds likely is the same. SmolLM2's file is weak in chats: to "What is the
capital of France?" as a user's message both answer "L'Étoile, la ..." (its five likeliest first
tokens, the same five in both, lie within one nat), while both continue "The capital of France is"
with " Paris.". It is the model as it is shipped."""


@dataclass
class Accuracy:
    name: str
    isa: str
    kv_type: str
    divergences: np.ndarray  # Of each position.
    same_first: float  # The share of positions with the same likeliest token.
    perplexity: tuple  # The reference's and weir's, of the texts.
    agreement: list  # Tokens of each prompt's continuation before the first that differs.


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def compare_text(probe, model, tokens):
    """Per position: divergence, whether the likeliest token is the same; per predicted token: its
    surprise under each."""
    final_norm = model.forward(tokens).final_norm
    probe.create()
    rows = []
    for at in range(0, len(tokens), CHUNK):
        p = log_softmax(model.head(final_norm[at : at + CHUNK]))
        q = log_softmax(probe.append(tokens[at : at + CHUNK]))
        divergence = np.sum(np.exp(p) * (p - q), axis=-1, dtype=np.float64)
        same = p.argmax(-1) == q.argmax(-1)
        following = tokens[at + 1 : at + CHUNK + 1]
        i = np.arange(len(following))
        surprise = np.full((2, len(p)), np.nan)
        surprise[0, : len(i)], surprise[1, : len(i)] = -p[i, following], -q[i, following]
        rows.append(np.stack([divergence, same, *surprise]))
    return np.concatenate(rows, axis=1)


def agreement(probe, model, prompt):
    tokens = probe.tokenize(prompt)
    chosen = probe.generate(tokens, max_tokens=CONTINUATION, temperature=0)[0]
    final_norm = model.forward(tokens + chosen[:-1]).final_norm
    likeliest = model.head(final_norm[len(tokens) - 1 :]).argmax(-1)
    different = np.flatnonzero(likeliest != chosen)
    return int(different[0]) if len(different) else len(chosen)


def measure(name, path, prompts=real_models.PROMPTS, isa=None) -> Accuracy:
    model = real_models.reference(path)
    with Probe(isa) as probe:
        info = probe.open(path)
        texts = [probe.tokenize(t.read_text(encoding="utf-8")) for t in real_models.TEXTS]
        divergence, same, *surprise = np.concatenate(
            [compare_text(probe, model, tokens) for tokens in texts], axis=1
        )
        return Accuracy(
            name,
            info["isa"],
            info["kv_type"],
            divergence,
            same.mean(),
            tuple(np.exp(np.nanmean(s)) for s in surprise),
            [agreement(probe, model, prompt) for prompt in prompts],
        )


def page(results):
    out = [
        "# How accurate the integer path is",
        "",
        (
            "Weights stay as the file has them; activations are rounded to 8 bits with a scale for"
            " each"
        ),
        "32 columns, keys and values to 16 bits. Against the float32 reference in",
        "`tests/reference/model.py`; `make test` fails where the mean divergence exceeds 0.01.",
        "",
        f"{datetime.date.today()}, by `python tests/reference/accuracy.py > docs/accuracy.md`.",
        "",
        (
            "| model | ISA | KV | positions | KL mean | median | 99th percentile | largest "
            "| same likeliest token | perplexity, reference | weir |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        d = r.divergences
        out.append(
            f"| {r.name} | {r.isa} | {r.kv_type} | {len(d)} | {d.mean():.5f} | {np.median(d):.5f} "
            f"| {np.percentile(d, 99):.4f} | {d.max():.4f} | {100 * r.same_first:.1f} % "
            f"| {r.perplexity[0]:.3f} | {r.perplexity[1]:.3f} |"
        )
    out += [
        "",
        (
            f"Greedy continuations of {len(real_models.PROMPTS)} prompts, {CONTINUATION} tokens"
            " each: tokens before the first at which the reference would have chosen another."
        ),
        "",
        "| model | whole | mean | each |",
        "|---|---|---|---|",
    ]
    for r in results:
        whole = sum(n == CONTINUATION for n in r.agreement)
        out.append(
            f"| {r.name} | {whole} of {len(r.agreement)} | {np.mean(r.agreement):.1f} "
            f"| {' '.join(map(str, r.agreement))} |"
        )
    return "\n".join([*out, STUDY])


if __name__ == "__main__":
    print(page([measure(n, real_models.path_of(n)) for n in sys.argv[1:] or real_models.NAMES]))
