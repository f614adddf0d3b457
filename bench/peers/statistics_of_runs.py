"""Means over runs, and whether two sides' runs can be told apart."""

import statistics


def summary(values):
    return dict(mean=statistics.mean(values), deviation=statistics.stdev(values) if len(values) > 1 else None, runs=values)


# Two-sided 95 % points of Student's t for 1 to 30 degrees of freedom (any table of it).
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
       2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)


def difference(ours, theirs):
    """The difference of the means with its 95 % interval (Welch's test), and whether the interval holds 0."""
    own, other = statistics.variance(ours) / len(ours), statistics.variance(theirs) / len(theirs)
    mean = statistics.mean(ours) - statistics.mean(theirs)
    if own + other == 0:
        return dict(mean=mean, low=mean, high=mean, agree=mean == 0)
    freedom = (own + other) ** 2 / (own**2 / (len(ours) - 1) + other**2 / (len(theirs) - 1))
    # The next smaller whole number: the interval is a little too wide rather than too narrow.
    half = T95[min(len(T95), int(freedom)) - 1] * (own + other) ** 0.5
    return dict(mean=mean, low=mean - half, high=mean + half, agree=mean - half <= 0 <= mean + half)


def agreement(ours, theirs):
    """For each point of the curves of both sides: theirs' smallest and largest, the mean of both, and the difference."""
    points = []
    for own, other in zip(zip(*ours), zip(*theirs)):
        points.append(dict(
            ours=statistics.mean(own), theirs=statistics.mean(other), theirs_least=min(other), theirs_most=max(other),
            mean_within_spread=min(other) <= statistics.mean(own) <= max(other), difference=difference(own, other)))
    return points
