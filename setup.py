"""What stands beside the package comes into the wheel, too: the pages, their settings and the shipped runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BESIDE = ("app.py", "pages", "models", ".streamlit")


class BuildWithApp(build_py):
    """Copies them to `avexplore/_app`, where `avexplore.folders.app_folder` looks first."""

    def run(self) -> None:
        """Build the package, and what it carries; an editable installation finds all of it in the checkout."""
        super().run()
        if self.editable_mode:
            return
        carried = Path(self.build_lib) / "avexplore" / "_app"
        shutil.rmtree(carried, ignore_errors=True)
        carried.mkdir(parents=True)
        for name in BESIDE:
            if Path(name).is_dir():
                shutil.copytree(name, carried / name, ignore=shutil.ignore_patterns("__pycache__", "secrets.toml"))
            else:
                shutil.copy2(name, carried)


setup(cmdclass={"build_py": BuildWithApp})
