"""Of all tests: the children they start heed Ctrl-C, whoever started the tests; pictures that no test looks at are
sketched (sketching.py), but in tests/report and in tests marked `pictures`."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

import sketching

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background job; what is ignored is inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)

sketching.sketch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """The fixtures of a test are drawn as the test is: those that a module shares, as its first test."""
    if item.path.parent.name == "report" or item.get_closest_marker("pictures"):
        with sketching.drawn_whole():
            return (yield)
    return (yield)
