"""Of all tests: the children they start heed Ctrl-C, whoever started the tests."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background job; what is ignored is inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)
