"""Slow work in processes of its own: queued, watched, stopped, and gone on with after a crash."""

from avexplore.jobs.records import JobReport, JobStatus
from avexplore.jobs.registry import Registry

__all__ = ["JobReport", "JobStatus", "Registry"]
