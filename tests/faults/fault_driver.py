"""The command in many processes, each stopped at an exact instant. A program of its own, for the fault tests.

The processes are forked.py's, with real signals. A request holds besides what that program reads
    {"page": true, "spoilt": [], "trap": null or {"at": ["call", 1234] or ["disk", 56] or
     ["enter" or "leave", "module:name", nth], "signals": [2, 2]}}
"call" counts calls of functions of the package, "disk" what changes the folder (faults_disk.py): before each call, and
in the midst of each write. With no signals they only count; .calls then lists what "disk" counted. Each further signal
is sent at the next such call. Without "page" the report is not drawn: it takes longer than all the rest of a run so
small. "spoilt": [9, 15] makes the loss of step 9 NaN until one rollback was made, that of step 15 until two: a fault
that lower rates heal. The answer is
    {"code": exit code, or minus the signal that ended it, "calls": calls until the end, "fired": signals sent}
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGE = "textmill"


class Trap:
    """Counts calls of the package, and sends this process its signals at the instant that was asked for."""

    def __init__(self, trap: dict[str, Any] | None, report: Path):
        self.kind, *where = trap["at"] if trap else ("none",)
        self.signals = list(trap["signals"]) if trap else []
        self.report = report
        self.calls = self.fired = self.met = 0
        self.listed: list[tuple[str, str, str]] = []
        if self.kind in ("call", "disk"):
            self.left = int(where[0])
        elif trap:
            (self.module, self.name), self.left = where[0].split(":"), int(where[1])

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event not in ("call", "return") or not frame.f_globals.get("__name__", "").startswith(PACKAGE):
            return
        self.calls += event == "call"
        if self.signals and (self.fired or self.reached(frame, event)):
            self.fired += 1
            number = self.signals.pop(0)
            if not self.signals:
                sys.setprofile(None)
            self.write()
            os.kill(os.getpid(), number)

    def reached(self, frame: FrameType, event: str) -> bool:
        if self.kind == "call":
            return self.calls >= self.left
        if self.kind != {"call": "enter", "return": "leave"}[event]:
            return False
        if frame.f_code.co_qualname == self.name and frame.f_globals["__name__"] == self.module:
            self.met += 1
        return self.met >= self.left > 0 and frame.f_code.co_qualname == self.name

    def at_the_disk(self, call: str, path: Path, when: str) -> None:
        if when == "after":
            return
        self.listed.append((call, str(path), when))
        if self.signals and len(self.listed) >= self.left:
            os.kill(os.getpid(), self.signals.pop(0))

    def write(self) -> None:
        self.report.write_text(json.dumps({"calls": self.calls, "fired": self.fired}))


def spoil(steps: list[int]) -> None:
    """Each fault is there until the rollback for it has been made."""
    import textmill.training.session as session
    import textmill.training.updates as updates
    from textmill.tasks.lm import LanguageModelling

    stretch, reseed, loss = session.Session.run_stretch, updates.reseed, LanguageModelling.loss
    now: dict[str, Any] = {}

    def run_stretch(self: Any, *given: Any) -> Any:
        now["spoilt"] = steps[self.n_rollbacks] if self.n_rollbacks < len(steps) else None
        return stretch(self, *given)

    def reseed_told(seed: int, step: int, *more: Any) -> None:
        now["step"] = step + 1
        reseed(seed, step, *more)

    def loss_spoilt(self: Any, *given: Any, **named: Any) -> Any:
        total, state = loss(self, *given, **named)
        if now["step"] == now["spoilt"]:
            total = type(total)(total.total * float("nan"), total.count)
        return total, state

    session.Session.run_stretch = run_stretch  # type: ignore[method-assign]
    updates.reseed = reseed_told
    LanguageModelling.loss = loss_spoilt  # type: ignore[method-assign]


def in_a_process(request: dict[str, Any]) -> int:
    """The command, in the process that was forked for it: its exit code."""
    from faults_disk import watched

    from textmill.cli import main

    trap = Trap(request["trap"], Path(".trap"))
    if not request["page"]:
        import textmill.training.closing as closing

        closing.render = lambda *arguments: None  # type: ignore[assignment,return-value]
    if request["spoilt"]:
        spoil(request["spoilt"])
    try:
        if trap.kind == "disk":
            with watched(Path.cwd(), trap.at_the_disk):
                code = main(request["argv"])
            Path(".calls").write_text(json.dumps(trap.listed))
        else:
            if request["trap"]:
                sys.setprofile(trap)
            code = main(request["argv"])
    except KeyboardInterrupt:
        code = 130
    finally:
        sys.setprofile(None)
    trap.write()
    return code


def told(request: dict[str, Any]) -> dict[str, Any]:
    """How far the trap counted."""
    report = Path(request["cwd"], ".trap")
    return dict(json.loads(report.read_text())) if report.exists() else {"calls": 0, "fired": 0}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from forked import load_all, serve
    from sketching import sketch

    sketch()
    load_all()
    serve(in_a_process, told)
