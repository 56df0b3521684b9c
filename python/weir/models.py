"""Models by name: small ones that come in Python packages, and any GGUF file.

>>> [m.name for m in known()]
['smollm2', 'gemma3-270m']
"""

from ._weir import ModelEntry, ModelSummary, TensorTypeSummary
from ._weir import describe_model as describe
from ._weir import installed_models as installed
from ._weir import known_models as known
from ._weir import pull_model as pull
from ._weir import resolve_model as resolve

__all__ = [
    "ModelEntry",
    "ModelSummary",
    "TensorTypeSummary",
    "describe",
    "installed",
    "known",
    "pull",
    "resolve",
]
