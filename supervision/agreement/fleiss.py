"""Fleiss' κ: many raters, agreement beyond what the pooled use of each value would give by chance."""

from supervision.agreement.cohen import WEIGHTS
from supervision.agreement.figures import Figure, inapplicable
from supervision.agreement.gwet import beyond_chance
from supervision.agreement.ratings import Floats, Level, Ratings


def fleiss_kappa(ratings: Ratings, weighted: str = "none") -> Figure:
    """κ of two or more raters, who may differ from unit to unit (Fleiss 1971, Psychological Bulletin 76:378-382).

    With two raters it is Scott's π. Missing ratings and weights ("none", "linear" or "quadratic", as for Cohen's) as in Gwet 2014, Handbook
    of Inter-Rater Reliability, 4th ed., chapters 3 and 5; with as many ratings in every unit and no weights it is Fleiss' own.
    Interval: Student's t on Gwet's linearised variance; the error of Fleiss 1971 and Fleiss, Nee & Landis 1979 holds only where κ is 0,
    and makes no interval.
    """
    reason = ratings.why_not_by_value()
    if not reason and ratings.n_used < 2:
        reason = "Every rating has one and the same value, so chance alone would agree as often and κ is not defined."
    if not reason and weighted != "none" and ratings.level == Level.NOMINAL:
        reason = "Weights need values with an order; these are nominal."
    if reason:
        return inapplicable(reason, n_units=ratings.n_paired, n_raters=ratings.n_raters)
    credit = WEIGHTS[weighted](ratings.categories)

    def expected(prevalence: Floats) -> float:
        return float(prevalence @ credit @ prevalence)

    def by_unit(shares: Floats, prevalence: Floats) -> Floats:
        return shares @ (credit @ prevalence)

    return beyond_chance(ratings, credit, expected, by_unit)
