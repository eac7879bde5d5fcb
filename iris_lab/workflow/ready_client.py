"""A kernel's client that knows when the kernel is ready, and does not wait for a silence to show it."""

import time
from queue import Empty

from jupyter_client.asynchronous.client import AsyncKernelClient

ANSWER_SECONDS = 1.0
SILENCE_SECONDS = 0.02  # after which a published answer was missed, as the kernel sent it before it knew of this client
PATIENCE_SECONDS = 1.0  # after which any published message will do


class ReadyClient(AsyncKernelClient):
    """A client that is ready once the kernel's answer to its own request was published.

    jupyter_client reads the published messages until 0.2 seconds pass without one, for every kernel. But the last one
    is known: the kernel says that it is idle again.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and its messages are received.

        Raises
        ------
        RuntimeError
            The kernel died, or did not answer in time.
        """
        began = time.monotonic()
        end = began + (timeout or float("inf"))
        while True:
            request = self.kernel_info()
            if await self._answered(request):
                received, is_idle = await self._published(request)
                if is_idle or (received and time.monotonic() > began + PATIENCE_SECONDS):
                    return
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answered(self, request: str) -> bool:
        try:
            while True:
                reply = await self.shell_channel.get_msg(timeout=ANSWER_SECONDS)
                if reply["parent_header"].get("msg_id") == request:
                    self._handle_kernel_info_reply(reply)
                    return True
        except Empty:
            return False

    async def _published(self, request: str) -> tuple[bool, bool]:
        """Read what was published up to the end of a request; say whether anything was, and whether that end was."""
        received = False
        try:
            while True:
                message = await self.iopub_channel.get_msg(timeout=SILENCE_SECONDS)
                received = True
                idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
                if idle and message["parent_header"].get("msg_id") == request:
                    return True, True
        except Empty:
            return received, False
