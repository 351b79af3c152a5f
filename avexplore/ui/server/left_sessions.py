"""Sessions of visitors who have left: kept a while, so that a broken line can be taken up again, then given back."""

from __future__ import annotations

import asyncio

from streamlit.runtime import memory_session_storage
from streamlit.runtime.session_manager import SessionInfo


class LeftSessions(memory_session_storage.MemorySessionStorage):
    """Ends a session, with its uploads, as soon as its time is over.

    Streamlit's own storage waits with that until somebody else leaves: hundreds of megabytes stay on a quiet night.

    Args:
        ttl_seconds: How long a visitor may be away.
    """

    def __init__(self, ttl_seconds: int = 120) -> None:
        super().__init__(ttl_seconds=ttl_seconds)
        self._seconds = ttl_seconds

    def save(self, session_info: SessionInfo) -> None:
        """A visitor has left."""
        self._end_expired()
        super().save(session_info)
        asyncio.get_running_loop().call_later(self._seconds + 0.5, self._end_expired)

    def _end_expired(self) -> None:
        for _, found in self._cache.expire():  # type: ignore[attr-defined]
            found.session.shutdown()


def use() -> None:
    """Have the server that is started next keep its sessions so."""
    memory_session_storage.MemorySessionStorage = LeftSessions  # type: ignore[misc, assignment]
