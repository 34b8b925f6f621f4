"""Percent agreement: how often two raters of the same unit gave the same value."""

import itertools

import numpy as np

from supervision.agreement import intervals
from supervision.agreement.figures import Figure, figure, inapplicable
from supervision.agreement.ratings import MISSING, Codes, Floats, Ratings


def percent_agreement(ratings: Ratings) -> Figure:
    """The share, 0 to 1, of agreeing pairs of raters, averaged over the units that two or more rated (Fleiss 1971, Psychological
    Bulletin 76:378-382, equation 2; Gwet 2014, Handbook of Inter-Rater Reliability, 4th ed., for missing data).

    Pairs with a missing rating are no pairs. Interval: Wilson's, over units.
    """
    n_units, n_raters = ratings.n_paired, ratings.n_raters
    if reason := ratings.why_not():
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    share = float(np.mean(agreement_by_unit(ratings.codes)))
    return figure(share, intervals.wilson(share, n_units), n_units=n_units, n_raters=n_raters, least=0.0)


def agreement_by_unit(codes: Codes) -> Floats:
    """The share of agreeing pairs in each unit with two or more ratings, in their order. `codes` is as in `Ratings`."""
    given = codes != MISSING
    m = given.sum(axis=1)
    agreeing = np.zeros(len(codes))
    for first, second in itertools.combinations(range(codes.shape[1]), 2):
        agreeing += (codes[:, first] == codes[:, second]) & given[:, first]
    shares: Floats = agreeing[m >= 2] / (m * (m - 1) / 2)[m >= 2]
    return shares
