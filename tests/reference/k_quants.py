"""Encoders of the K-quant blocks, which the `gguf` package decodes only: for test files.

They take the plainest choice of scales (the range of each sub-block), not the best one. Layouts as
in ggml: super-blocks of 256 values; the 6-bit scales of Q4_K and Q5_K are packed as `_pack_scales`
shows.
"""

import gguf
import numpy as np

SUPER_BLOCK = 256


def _pack_scales(scale, minimum):
    """Eight 6-bit scales and minima, [blocks, 8] each, in 12 bytes: the low six bits of bytes 0-3
    and 4-7 hold the first four of each, whose upper two bits hold those of the last four; bytes
    8-11 the last four's low nibbles."""
    out = np.empty((len(scale), 12), np.uint8)
    out[:, 0:4] = scale[:, :4] | (scale[:, 4:] >> 4) << 6
    out[:, 4:8] = minimum[:, :4] | (minimum[:, 4:] >> 4) << 6
    out[:, 8:12] = (scale[:, 4:] & 15) | (minimum[:, 4:] & 15) << 4
    return out


def _halves(x):
    """float16 bytes, [blocks, 2], and the values they stand for, [blocks, 1]."""
    half = x.astype(np.float16)
    return half[:, None].view(np.uint8), half.astype(np.float32)[:, None]


def _rounded(x, top):
    return np.clip(np.rint(x), 0, top).astype(np.uint8)


def _quotient(a, b):
    return np.divide(
        a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape), np.float32), where=b != 0
    )


def _affine(x, top):
    """Blocks of x as value = d * scale * q - dmin * minimum with q in 0..top, sub-blocks of 32."""
    sub = x.reshape(-1, 8, 32)
    low = np.minimum(sub.min(-1), 0)
    step = (sub.max(-1) - low) / top
    d_bytes, d = _halves(step.max(-1) / 63)
    dmin_bytes, dmin = _halves((-low).max(-1) / 63)
    scale = _rounded(_quotient(step, d), 63)
    minimum = _rounded(_quotient(-low, dmin), 63)
    offset = (dmin * minimum)[..., None]
    q = _rounded(_quotient(sub + offset, (d * scale)[..., None]), top)
    return [d_bytes, dmin_bytes, _pack_scales(scale, minimum)], q


def _nibbles(q):
    """[blocks, 8, 32] values below 16: sub-blocks 2i and 2i + 1 share 32 bytes."""
    return (q[:, 0::2] | q[:, 1::2] << 4).reshape(len(q), 128)


def quantise_q4_k(x):
    head, q = _affine(x, 15)
    return np.concatenate([*head, _nibbles(q)], axis=1)


def quantise_q5_k(x):
    head, q = _affine(x, 31)
    # Byte i of the high bits holds bit 4 of value i of each sub-block, sub-block j at bit j.
    high = np.bitwise_or.reduce((q >> 4) << np.arange(8, dtype=np.uint8)[:, None], axis=1)
    return np.concatenate([*head, high, _nibbles(q & 15)], axis=1)


def quantise_q6_k(x):
    sub = x.reshape(-1, 16, 16)
    step = np.abs(sub).max(-1) / 31
    d_bytes, d = _halves(step.max(-1) / 127)
    scale = np.clip(np.rint(_quotient(step, d)), 0, 127).astype(np.int8)
    q = np.rint(_quotient(sub, (d * scale)[..., None]))
    q = (np.clip(q, -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)  # Two halves, 4 x 32.
    low = np.concatenate([(q & 15)[:, :, :2] | (q & 15)[:, :, 2:] << 4], axis=2)
    shifts = np.array([0, 2, 4, 6], np.uint8)[:, None]
    high = np.bitwise_or.reduce((q >> 4) << shifts, axis=2)
    blocks = len(q)
    return np.concatenate(
        [low.reshape(blocks, 128), high.reshape(blocks, 64), scale.view(np.uint8), d_bytes], axis=1
    )


_ENCODERS = {
    gguf.GGMLQuantizationType.Q4_K: quantise_q4_k,
    gguf.GGMLQuantizationType.Q5_K: quantise_q5_k,
    gguf.GGMLQuantizationType.Q6_K: quantise_q6_k,
}


def quantise(x, kind: gguf.GGMLQuantizationType):
    """float32 [rows, columns] in the bytes of `kind`, [rows, bytes of a row] (or in its own dtype
    for F32 and F16)."""
    if kind not in _ENCODERS:
        return gguf.quants.quantize(x, kind)
    blocks = _ENCODERS[kind](x.reshape(-1, SUPER_BLOCK))
    return blocks.reshape(len(x), -1)
