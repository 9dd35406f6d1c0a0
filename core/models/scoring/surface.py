"""Logits from a text's n-grams of characters and words, added to those of its pooled state.

A pooled state loses part numbers, units and misspellings; n-grams show them. A term costs
microseconds a text. Knows texts and numbers; core.models.training.linear_start fits the weights and
decides how much the term counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from torch import Tensor

# A space so large that hardly two n-grams of a file collide: a number identifies an n-gram, and a
# model's file needs no strings. In a small space every unknown n-gram of a later text would hit
# some known one.
SPACE = 1 << 24
_OLDER = 1 << 16  # space of models that have no list of n-grams, and count characters alone
# HashingVectorizer.transform is these parts, built and checked again in each call: for a text alone
# that takes longer than its n-grams.
_CHARACTERS = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
_WORDS = HashingVectorizer(ngram_range=(1, 2)).build_analyzer()
# Without alternate_sign counts stay positive, as the logarithm below requires.
_HASHER = FeatureHasher(SPACE, input_type="string", dtype=np.float32, alternate_sign=False)


def count_ngrams(texts: Sequence[str]) -> csr_matrix:
    """Return how often each hashed n-gram is in each text, [n, 2 * SPACE].

    The first half is n-grams of 2 to 5 characters, the second of 1 and 2 words.
    """
    parts = [_HASHER.transform(map(ngrams, texts)) for ngrams in (_CHARACTERS, _WORDS)]
    return hstack(parts, format="csr")


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams that a term weighs: columns [m] of count_ngrams, ascending, and their idf [m]."""

    columns: np.ndarray
    idf: np.ndarray

    @staticmethod
    def from_counts(counts: csr_matrix, most: int) -> "Vocabulary":
        """Return the `most` n-grams that are in the largest number of these texts.

        idf is scikit-learn's smooth one: log((1 + n) / (1 + texts with it)) + 1.
        """
        columns, with_it = np.unique(counts.indices, return_counts=True)
        ranked = np.argsort(-with_it, kind="stable")[:most]
        order = ranked[np.argsort(columns[ranked])]
        idf = np.log((1 + counts.shape[0]) / (1 + with_it[order])) + 1
        return Vocabulary(columns[order].astype(np.int32), idf.astype(np.float32))

    def weigh(self, counts: csr_matrix) -> csr_matrix:
        """Return (1 + log count) * idf, [n, m]: rows whose characters and words have length 1."""
        weighed = self._selected(counts)
        data = (1 + np.log(weighed.data)) * self.idf[weighed.indices]
        row = np.repeat(np.arange(counts.shape[0]), np.diff(weighed.indptr))
        half = 2 * row + (weighed.indices >= np.searchsorted(self.columns, SPACE))
        # Every entry is positive, so no half that has one is of length 0.
        data /= np.sqrt(np.bincount(half, data**2, 2 * counts.shape[0]))[half]
        entries = data.astype(np.float32), weighed.indices, weighed.indptr
        return csr_matrix(entries, shape=weighed.shape, copy=False)

    def _selected(self, counts: csr_matrix) -> csr_matrix:
        # scipy's own selection of columns would fill an array of 2 * SPACE numbers at each call.
        place = np.searchsorted(self.columns, counts.indices)
        place[place == len(self.columns)] = 0
        is_listed = self.columns[place] == counts.indices
        ends = np.concatenate([[0], np.cumsum(is_listed)])[counts.indptr]
        shape = (counts.shape[0], len(self.columns))
        return csr_matrix((counts.data[is_listed], place[is_listed], ends), shape=shape, copy=False)


@dataclass(frozen=True)
class SurfaceTerm:
    """The term's weights [K, m] of a vocabulary's n-grams."""

    vocabulary: Vocabulary
    weight: np.ndarray

    def logits(self, texts: Sequence[str]) -> Tensor:
        """Return what is added to the logits of the texts, float32 [n, K] on the CPU."""
        return self.weigh(self.vocabulary.weigh(count_ngrams(texts)))

    def weigh(self, features: csr_matrix) -> Tensor:
        """Return the same for features that are already counted and weighed."""
        return torch.from_numpy(np.ascontiguousarray(features @ self._columns, dtype=np.float32))

    @cached_property
    def _columns(self) -> np.ndarray:
        # scipy would copy the transposed weight in each product
        return np.ascontiguousarray(self.weight.T)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that a model's weights store of it."""
        return {
            "surface:columns": torch.from_numpy(self.vocabulary.columns),
            "surface:idf": torch.from_numpy(self.vocabulary.idf),
            # Half precision halves the largest tensor of a small model.
            "surface:weight": torch.from_numpy(self.weight).half(),
        }

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "SurfaceTerm | None":
        """Return the term that `tensors()` stored; None if the tensors hold none."""
        if "surface:weight" not in tensors:
            return None
        weight = tensors["surface:weight"].float().cpu().numpy()
        idf = tensors["surface:idf"].cpu().numpy()
        if "surface:columns" not in tensors:
            return _OlderTerm(Vocabulary(np.arange(_OLDER, dtype=np.int32), idf), weight)
        return SurfaceTerm(Vocabulary(tensors["surface:columns"].cpu().numpy(), idf), weight)


class _OlderTerm(SurfaceTerm):
    """The term of a model made before vocabularies: characters in a space of 65,536."""

    def logits(self, texts: Sequence[str]) -> Tensor:
        counts = _HASHER.transform(map(_CHARACTERS, texts))
        # A hash modulo SPACE, modulo its divisor, is the hash modulo that divisor.
        folded = csr_matrix(
            (counts.data, counts.indices % _OLDER, counts.indptr), shape=(len(texts), _OLDER)
        )
        folded.sum_duplicates()
        return self.weigh(self.vocabulary.weigh(folded))

    def tensors(self) -> dict[str, Tensor]:
        stored = super().tensors()
        del stored["surface:columns"]
        return stored


def add_offset(out: Tensor, offset: Tensor) -> Tensor:
    """Return head outputs [..., outputs] with offset [..., K] added to the first K, the logits."""
    return torch.cat([out[..., : offset.shape[-1]] + offset, out[..., offset.shape[-1] :]], -1)
