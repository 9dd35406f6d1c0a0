"""Logits from a text's hashed character n-grams, added to those of its pooled state.

A pooled state loses part numbers, units and misspellings; n-grams show them. A term costs
microseconds a text. Knows texts and numbers; core.models.training.linear_start fits the weights and
decides whether the term is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from torch import Tensor

FEATURES = 1 << 16
# HashingVectorizer.transform is these two parts, built and checked again in each call: for a text
# alone that takes longer than its n-grams.
_NGRAMS = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
# Hashing needs no vocabulary in the model's file: a collision of two n-grams costs little at
# 65,536. Without alternate_sign counts stay positive, as the logarithm below requires.
_HASHER = FeatureHasher(FEATURES, input_type="string", dtype=np.float32, alternate_sign=False)


def count_ngrams(texts: Sequence[str]) -> csr_matrix:
    """Return how often each hashed n-gram of 2 to 5 characters is in each text, [n, FEATURES]."""
    return _HASHER.transform(map(_NGRAMS, texts))


def inverse_frequency(counts: csr_matrix) -> np.ndarray:
    """Return scikit-learn's smooth idf, [FEATURES]: log((1 + n) / (1 + texts with it)) + 1."""
    with_it = np.bincount(counts.indices, minlength=FEATURES)
    return (np.log((1 + counts.shape[0]) / (1 + with_it)) + 1).astype(np.float32)


def weigh_ngrams(counts: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """Return rows of length 1 of (1 + log count) * idf."""
    data = (1 + np.log(counts.data)) * idf[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    # Every entry is positive, so no row that has one is of length 0.
    data /= np.sqrt(np.bincount(row, data**2, counts.shape[0]))[row]
    return csr_matrix(
        (data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape, copy=False
    )


@dataclass(frozen=True)
class SurfaceTerm:
    """The term's weights: idf [FEATURES] and weight [K, FEATURES]."""

    idf: np.ndarray
    weight: np.ndarray

    def logits(self, texts: Sequence[str]) -> Tensor:
        """Return what is added to the logits of the texts, float32 [n, K] on the CPU."""
        return self.weigh(weigh_ngrams(count_ngrams(texts), self.idf))

    def weigh(self, features: csr_matrix) -> Tensor:
        """Return the same for features that are already counted and weighed."""
        return torch.from_numpy(np.ascontiguousarray(features @ self._columns, dtype=np.float32))

    @cached_property
    def _columns(self) -> np.ndarray:
        # scipy would copy the transposed weight, 3 MB, in each product
        return np.ascontiguousarray(self.weight.T)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that a model's weights store of it."""
        return {
            "surface:idf": torch.from_numpy(self.idf),
            # Half precision halves the largest tensor of a small model.
            "surface:weight": torch.from_numpy(self.weight).half(),
        }

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "SurfaceTerm | None":
        """Return the term that `tensors()` stored; None if the tensors hold none."""
        if "surface:weight" not in tensors:
            return None
        weight = tensors["surface:weight"].float().cpu().numpy()
        return SurfaceTerm(tensors["surface:idf"].cpu().numpy(), weight)


def add_offset(out: Tensor, offset: Tensor) -> Tensor:
    """Return head outputs [..., outputs] with offset [..., K] added to the first K, the logits."""
    return torch.cat([out[..., : offset.shape[-1]] + offset, out[..., offset.shape[-1] :]], -1)
