"""The replica: synthetic workplaces that give the report's tables and models back.

Published are counts, and estimate, SE, t and interval of models. The models see only sums of the
outcomes, so outcomes that return them can be solved for; the answers, the linkage and the quarters
are built around them. Nothing in the replica is of a real workplace.

    answers -> strata -> allocation -> respondents -> controls -> outcomes -> rates -> extracts
    (tables)   (who)     (how many)    (which)        (X)         (y)      (quarters)  (days)

`targets` are the printed figures, `recover` what they say of the outcomes, `costs` what they say of
counts, `reml` and `models` the fits, `misses` the comparison, `make` and `writing` the whole.
"""

from bayes_sf.replica.make import Replica, make_replica
from bayes_sf.replica.misses import Miss
from bayes_sf.replica.writing import write_replica

__all__ = ["Miss", "Replica", "make_replica", "write_replica"]
