"""The signals that end ``iris-lab serve``. The module is light, so that handlers can be installed at once."""

import signal


def ending_signals() -> list[signal.Signals]:
    """Return SIGINT, SIGTERM and, unless nohup ignores it, SIGHUP, which is sent when the terminal is closed."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # Windows has none
        numbers.append(signal.SIGHUP)
    return numbers
