"""What include/weir/options.h says of sampling, in NumPy and float64."""

import numpy as np


def _shortest(p, order, mass):
    """Marks the first of `order` whose probabilities reach `mass`."""
    reached = np.cumsum(p[order])
    kept = np.zeros(len(p), bool)
    kept[order[: np.searchsorted(reached, mass) + 1]] = True
    return kept


def _normed(p, kept):
    p = np.where(kept, p, 0)
    return p / p.sum()


def penalised(logits, generated, repetition_penalty=1, presence_penalty=0, frequency_penalty=0,
              logit_bias=()):  # fmt: skip
    """Logits after bias and penalties; `generated` are the tokens so far."""
    x = np.array(logits, np.float64)
    for token, bias in logit_bias:
        x[token] += bias
    seen, counts = np.unique(np.asarray(generated, int), return_counts=True)
    x[seen] = np.where(x[seen] > 0, x[seen] / repetition_penalty, x[seen] * repetition_penalty)
    x[seen] -= presence_penalty + frequency_penalty * counts
    return x


def probabilities(logits, generated=(), temperature=1, top_k=0, top_p=1, min_p=0, typical_p=1,
                  **penalties):  # fmt: skip
    """The distribution that a token is drawn from; temperature > 0. Sorting is stable, so that
    ties go to the lower id."""
    x = penalised(logits, generated, **penalties) / temperature
    p = np.exp(x - x.max())
    p /= p.sum()
    if top_k > 0:
        kept = np.zeros(len(p), bool)
        kept[np.argsort(-p, kind="stable")[:top_k]] = True
        p = _normed(p, kept)
    if typical_p < 1:
        surprise = np.full(len(p), np.inf)
        np.log(p, out=surprise, where=p > 0)
        surprise = np.abs(surprise)
        entropy = np.sum(p[p > 0] * surprise[p > 0])
        order = np.argsort(np.abs(surprise - entropy), kind="stable")
        p = _normed(p, _shortest(p, order, typical_p))
    if top_p < 1:
        p = _normed(p, _shortest(p, np.argsort(-p, kind="stable"), top_p))
    return _normed(p, p >= min_p * p.max())
