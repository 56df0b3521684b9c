"""Attention of one query, in float64."""

import numpy as np


def attention(q, k, v):
    """q [dim] over k [rows, dim] and v [rows, dim]."""
    logits = k @ q / np.sqrt(len(q))
    p = np.exp(logits - logits.max())
    return p @ v / p.sum()
