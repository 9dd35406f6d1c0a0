"""Which curves of risk are the same within their interval, so that a chart draws them once.

Pure: tidy frames in, names out. Knows no figure and no Streamlit.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

MOST_APART = 0.05  # risk


def coinciding_curves(
    curves: pd.DataFrame, names: Mapping[str, str], coincide: str
) -> dict[str, str]:
    """Return the names of the curves to draw; the first curve also names those that coincide.

    A curve coincides if it lies inside the first one's interval wherever both are drawn, and nowhere
    further from it than MOST_APART, since few cases have wide intervals. curves,
    names: as of `risk_coverage_figure`. coincide: pattern with {names} and {points}, the largest
    difference in percentage points.
    """
    main, *others = names
    first = _at_coverages(curves[curves["model_kind"] == main], ("risk", "low", "high"))
    gaps: dict[str, float] = {}
    for kind in others:
        risk = _at_coverages(curves[curves["model_kind"] == kind], ("risk",))["risk"]
        both_drawn = ~np.isnan(risk) & ~np.isnan(first["risk"])
        inside = (risk >= first["low"] - 1e-9) & (risk <= first["high"] + 1e-9)
        gap = float(np.abs(risk - first["risk"])[both_drawn].max()) if both_drawn.any() else np.inf
        if inside[both_drawn].all() and gap <= MOST_APART:
            gaps[kind] = gap
    if not gaps:
        return dict(names)
    joined = " =<br>".join(names[kind] for kind in (main, *gaps))
    merged = {main: coincide.format(names=joined, points=f"{100 * max(gaps.values()):.1f}")}
    return merged | {kind: names[kind] for kind in others if kind not in gaps}


def _at_coverages(rows: pd.DataFrame, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return columns of one curve at coverages 0%, 1%, ..., 100%; NaN beyond its ends."""
    rows, grid = rows[rows["risk"].notna()].sort_values("coverage"), np.linspace(0, 1, 101)
    if not len(rows):
        return {name: np.full(len(grid), np.nan) for name in columns}
    return {
        name: np.interp(grid, rows["coverage"], rows[name], left=np.nan, right=np.nan)
        for name in columns
    }
