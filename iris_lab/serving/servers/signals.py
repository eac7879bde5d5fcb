"""The signals that end ``iris-lab serve``; imports nothing heavy, so that they are heeded from the first moment."""

import signal


def ending_signals() -> list[signal.Signals]:
    """Return SIGINT, SIGTERM and, unless nohup had it ignored, SIGHUP: closing a terminal ends the service, too."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # Windows has none
        numbers.append(signal.SIGHUP)
    return numbers
