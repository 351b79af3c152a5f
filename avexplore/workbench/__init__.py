"""What a face may ask: results by config, runs by name, estimates, and work fanned out over processes."""

from avexplore.workbench.workbench import Answer, Failed, Missing, Ready, Running, Workbench

__all__ = ["Answer", "Failed", "Missing", "Ready", "Running", "Workbench"]
