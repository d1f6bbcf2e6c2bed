"""One replica's scheduler replayed: event by event, in closed form between them."""

from estimator.serving.load.replay.replay import replay
from estimator.serving.load.replay.replica import Limits
from estimator.serving.load.replay.report import Percentiles, ReplayReport

__all__ = ["Limits", "Percentiles", "ReplayReport", "replay"]
