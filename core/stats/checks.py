"""The check with which every statistic begins: no figure is made from a NaN or infinite value."""

import numpy as np
import numpy.typing as npt

from core.errors import NonFiniteError


def finite(values: npt.ArrayLike, what: str) -> np.ndarray:
    """Return `values` as a float64 array.

    what: name of the values in the error. Raises NonFiniteError naming the first index and value
    that is NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(array)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        place = index[0] if len(index) == 1 else str(index)
        raise NonFiniteError("stats.not_finite", what=what, found=str(array[index]), index=place)
    return array
