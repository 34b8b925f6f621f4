"""Ratings from the literature, with the results that were printed for them."""

from supervision.agreement.ratings import Ratings

# Shrout & Fleiss 1979, table 2: six targets, four judges.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

# Krippendorff 2011, section D: four observers, twelve units. Gwet 2014 uses the same table (page 120).
KRIPPENDORFF = list(
    zip(
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
        strict=True,
    )
)

# Fleiss 1971, table 1: thirty patients; how many of six psychiatrists chose each of five diagnoses.
_COUNTS = """
    00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
    00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
""".split()
FLEISS = [[diagnosis for diagnosis, count in zip("DPSNO", unit, strict=True) for _ in range(int(count))] for unit in _COUNTS]


def crossed(table, level="nominal"):
    """Two raters' ratings from a square table of how often the first gave the row and the second the column."""
    return Ratings.of([[i, j] for i, row in enumerate(table) for j, times in enumerate(row) for _ in range(times)], level)


ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]  # Gwet 2014: two abstractors, a hundred pregnancies
PSYCHIATRISTS = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]  # Fleiss, Levin & Paik 2003, table 18.1
PARADOX = [[90, 5], [5, 0]]  # Feinstein & Cicchetti 1990: high agreement, low κ
