"""Weights -> numbers: a run measured beside honest baselines, with intervals. Room: evaluation/."""

from __future__ import annotations

from textmill.evaluation import landmarks
from textmill.evaluation.evaluating import evaluate, save_evaluation
from textmill.evaluation.floor import Floor, fit_floor

__all__ = ["Floor", "evaluate", "fit_floor", "landmarks", "save_evaluation"]
