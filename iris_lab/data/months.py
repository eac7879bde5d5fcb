"""The months of dates, which are in days since 1970-01-01."""

import numpy as np
from numpy.typing import NDArray


def month_of(days: NDArray[np.float64], *, later: int = 0) -> NDArray[np.float64]:
    """Return the first day of the month of dates in days since 1970-01-01, or of a later month."""
    gaps = np.isnan(days)
    months = np.floor(np.where(gaps, 0.0, days)).astype("datetime64[D]").astype("datetime64[M]") + later
    first: NDArray[np.float64] = np.where(gaps, np.nan, months.astype("datetime64[D]").astype(np.float64))
    return first
