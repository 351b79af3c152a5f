"""What only some systems have is asked for with a way out: read from the source, since no other system is at hand."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import avexplore
from avexplore.folders import app_folder
from avexplore.jobs import memory, processes

PACKAGE = Path(avexplore.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_CALLS = {
    "chown", "chroot", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid",
    "getuid", "killpg", "lchown", "mkfifo", "nice", "pathconf", "sched_getaffinity", "sched_setaffinity", "setgid",
    "setpgid", "setsid", "setuid", "statvfs", "sysconf", "uname", "wait3", "wait4", "waitpid",
}  # fmt: skip
POSIX_SIGNALS = {"SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2"}
LINUX_FILES = {"jobs/memory.py", "jobs/processes.py", "jobs/registry.py"}
"""Modules that look into /proc, /dev or /sys, and go on without."""


def guarded(tree: ast.AST) -> set[int]:
    """Nodes inside `try: ... except ImportError`, `if hasattr(os, ...)` or `if os.name == "posix"`."""
    found: set[int] = set()
    for node in ast.walk(tree):
        inside: list[ast.stmt] = []
        if isinstance(node, ast.Try):
            caught = " ".join(ast.unparse(handler.type) for handler in node.handlers if handler.type)
            inside = node.body if "ImportError" in caught else []
        elif isinstance(node, ast.If):
            asked = ast.unparse(node.test)
            inside = node.body if "hasattr(os" in asked or "os.name == 'posix'" in asked else []
        found |= {id(child) for statement in inside for child in ast.walk(statement)}
    return found


def places(path: Path) -> Iterator[str]:
    """What a module asks of a POSIX system without a way out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    safe = guarded(tree)
    for node in ast.walk(tree):
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names} & POSIX_MODULES
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = {node.module or ""} & POSIX_MODULES
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os":
                names = {node.attr} & POSIX_CALLS
            elif node.value.id == "signal":
                names = {node.attr} & POSIX_SIGNALS
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            begins = node.value.startswith(("/proc", "/dev/", "/sys/", "/tmp", "/etc"))
            names = {node.value} if begins and path.relative_to(PACKAGE).as_posix() not in LINUX_FILES else set()
        if id(node) not in safe:
            yield from (f"{path.relative_to(PACKAGE)}:{node.lineno} {name}" for name in names)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def found() -> list[str]:
    return [place for path in SOURCES for place in places(path)]


def test_nothing_is_asked_of_posix_without_a_way_out(found: list[str]) -> None:
    assert found == []


def test_a_careless_line_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    careless = tmp_path / "careless.py"
    careless.write_text("import fcntl\nimport os\nos.nice(5)\nopen('/proc/self/stat')\n", encoding="utf-8")
    assert len(list(places(careless))) == 3
    careful = "try:\n    import fcntl\nexcept ImportError:\n    pass\nif hasattr(os, 'nice'):\n    os.nice(5)\n"
    careless.write_text(careful, encoding="utf-8")
    assert list(places(careless)) == []


def test_text_is_read_and_written_in_a_named_encoding() -> None:
    """Elsewhere it would be the system's: cp1252 on Windows."""
    missing = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            named = {keyword.arg for keyword in node.keywords}
            words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            known = "encoding" in named or any(word in ("utf-8", "ascii", "utf-8-sig") for word in words)
            if node.func.attr in ("read_text", "write_text") and not known:
                missing.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert missing == []


def test_no_file_has_a_name_that_some_system_refuses() -> None:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=app_folder(), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in done.stdout.split("\0") if name]
    reserved = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(1, 10))}
    for name in names:
        for part in name.split("/"):
            assert not set(part) & set('<>:"\\|?*'), name
            assert part.split(".")[0].lower() not in reserved, name
            assert not part.endswith((" ", ".")), name
    assert len({name.lower() for name in names}) == len(names), "names that differ in case alone"
    assert max(map(len, names)) < 180, "Windows takes 260 with the folder before"


def test_readers_of_files_start_without_bounds_where_the_system_has_none() -> None:
    code = "import sys; sys.modules['resource'] = None; from avexplore import apart; apart.bound(AS=1 << 40, CORE=0)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_jobs_start_and_are_known_where_there_is_no_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoProc:
        def __init__(self, path: str) -> None:
            self.path = path

        def read_bytes(self) -> bytes:
            raise FileNotFoundError(self.path)

        def read_text(self, encoding: str) -> str:
            raise FileNotFoundError(self.path)

        def exists(self) -> bool:
            return False

    monkeypatch.setattr(processes, "Path", NoProc)
    started = processes.start(["-c", "import time; time.sleep(60)"], tmp_path / "log")
    try:
        assert started.mark == processes.mark_of(started.pid) != ""
        assert started.is_alive()
    finally:
        started.stop(patience=5)
    assert not started.is_alive()
    monkeypatch.setattr(memory, "_OWN", tmp_path / "none" / "oom_score_adj")
    memory.be_first_to_go()


def test_a_process_of_its_own_is_asked_for_as_windows_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(processes.subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(processes.subprocess, "CREATE_NO_WINDOW", 0x8000000, raising=False)
    assert processes.detached() == {"creationflags": 0x8000200}
