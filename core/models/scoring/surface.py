"""A text's surface beside its meaning: logits from hashed character n-grams, added to those of the
pooled state.

Part numbers, units and misspellings are lost in a pooled state and plain in n-grams. A term is
microseconds a text. Knows texts and numbers; core.models.training.linear_start fits the weights and
decides whether they earn their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from torch import Tensor

FEATURES = 1 << 16
_VECTORIZER = HashingVectorizer(
    analyzer="char_wb",
    ngram_range=(2, 5),
    n_features=FEATURES,
    alternate_sign=False,
    norm=None,
    dtype=np.float32,
)


def count_ngrams(texts: Sequence[str]) -> csr_matrix:
    """How often each hashed n-gram of 2 to 5 characters is in each text, [n, FEATURES]."""
    return _VECTORIZER.transform(texts)


def inverse_frequency(counts: csr_matrix) -> np.ndarray:
    """log((1 + n) / (1 + texts with the n-gram)) + 1, [FEATURES]: scikit-learn's smooth idf."""
    with_it = np.bincount(counts.indices, minlength=FEATURES)
    return (np.log((1 + counts.shape[0]) / (1 + with_it)) + 1).astype(np.float32)


def weigh_ngrams(counts: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """Counts -> rows of length 1 of (1 + log count) * idf."""
    weighed = counts.astype(np.float32)
    weighed.data = 1 + np.log(weighed.data)
    return normalize(weighed.multiply(idf).tocsr(), copy=False)


@dataclass(frozen=True)
class SurfaceTerm:
    """idf [FEATURES] and weights [K, FEATURES]."""

    idf: np.ndarray
    weight: np.ndarray

    def logits(self, texts: Sequence[str]) -> Tensor:
        """What is added to the logits of the texts, float32 [n, K] on the CPU."""
        return self.weigh(weigh_ngrams(count_ngrams(texts), self.idf))

    def weigh(self, features: csr_matrix) -> Tensor:
        """The same for features that are counted already."""
        return torch.from_numpy(np.ascontiguousarray(features @ self.weight.T, dtype=np.float32))

    def tensors(self) -> dict[str, Tensor]:
        """What a model's weights keep of it."""
        return {
            "surface:idf": torch.from_numpy(self.idf),
            "surface:weight": torch.from_numpy(self.weight).half(),
        }

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "SurfaceTerm | None":
        """The term that `tensors()` gave; None where a model has none."""
        if "surface:weight" not in tensors:
            return None
        weight = tensors["surface:weight"].float().cpu().numpy()
        return SurfaceTerm(tensors["surface:idf"].cpu().numpy(), weight)


def add_offset(out: Tensor, offset: Tensor) -> Tensor:
    """Head outputs [..., outputs] whose first K are logits, with offset [..., K] added to those."""
    return torch.cat([out[..., : offset.shape[-1]] + offset, out[..., offset.shape[-1] :]], -1)
