"""Recipes of one report of weir eval compared with each other, sample by sample."""

import random
import statistics

RESAMPLES = 2000
# Bytes are alike that are no further apart than this share of what recipes save: pages of 64 rows
# let no two methods take quite the same.
ALIKE = 0.03
BASE_LINE = "keep=random("


def bootstrap(values, seed):
    """The mean, and where it falls in 95 of 100 draws of as many values with replacement: of
    differences of pairs, a paired bootstrap. Of few it is too narrow, as src/eval/statistics.h
    has it."""
    draw = random.Random(seed)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values)))
                   for _ in range(RESAMPLES))
    cut = RESAMPLES // 40
    return statistics.fmean(values), means[cut], means[-1 - cut]


def difference(arm, other, seed, measure="kl"):
    """How much more an arm has than another, with its interval."""
    pairs = zip(arm["measures"][measure]["samples"], other["measures"][measure]["samples"],
                strict=True)
    return bootstrap([a - b for a, b in pairs], seed)


def verdict(interval):
    _, low, high = interval
    return "lower" if high < 0 else "higher" if low > 0 else "open"


def families(arm):
    """How many roles a recipe names a method for; none of them changes the full cache."""
    return 0 if arm["recipe"] == "keep=all" else 1 + arm["recipe"].count(";")


def slack(arms):
    """Bytes within which two arms of these are alike."""
    taken = [a["bytes"] for a in arms]
    return ALIKE * (taken[0] - min(taken))


def best_single(arm, arms):
    """Of the other recipes of one method that take no more bytes, or alike, that of the least
    divergence; None where there is none."""
    most = arm["bytes"] + slack(arms)
    singles = [a for a in arms if a is not arm and families(a) == 1 and a["bytes"] <= most]
    return min(singles, key=lambda a: a["measures"]["kl"]["mean"], default=None)


def chance(arm, arms):
    """The base line's recipe of the nearest bytes, where some are alike."""
    alike = [a for a in arms if a is not arm and a["recipe"].startswith(BASE_LINE)
             and ";" not in a["recipe"] and abs(a["bytes"] - arm["bytes"]) <= slack(arms)]
    return min(alike, key=lambda a: abs(a["bytes"] - arm["bytes"]), default=None)
