"""One replica's scheduler replayed: event by event, in closed form between them."""

from estimator.serving.load.replay.replay import replay
from estimator.serving.load.replay.replica import Limits
from estimator.serving.load.replay.report import ReplayReport
from estimator.serving.load.replay.seen import replayed_times, with_replay

__all__ = ["Limits", "ReplayReport", "replay", "replayed_times", "with_replay"]
