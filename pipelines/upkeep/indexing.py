"""Bringing the search index up to date, beside the door: what is taken in does not wait for it."""

import logging
import threading

from pipelines.store.search import (
    add_documents,
    has_index,
    mark_of,
    prepare,
    read_documents,
    unread,
)
from pipelines.store.store import Store

logger = logging.getLogger(__name__)

_LOOK_S = 2.0
_AT_ONCE = 4000


class Indexer:
    """Looks every two seconds whether there are reports whose incidents are not in the index.

    Several processes may do it at once: each writes only if nobody has gone on in the meantime.
    """

    def __init__(self, store: Store, *, look_s: float = _LOOK_S) -> None:
        self._store = store
        self._look_s = look_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what is being written is finished first."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with self._store.writing() as writer:
                keeps_up = prepare(writer)
            if not keeps_up:  # this database keeps its index up to date by itself
                self._store.index_words()
                return
        except Exception:
            logger.exception("the search index cannot be made; searching reads every incident")
            return
        while not self._stopped.wait(self._look_s):
            try:
                while index_some(self._store) and not self._stopped.is_set():
                    pass
            except Exception:
                logger.exception("the search index was not brought up to date; it is tried again")


def index_some(store: Store) -> bool:
    """Put some more incidents into the index; False when there were none."""
    with store.reading() as reader:
        if not has_index(reader.connection):
            return False
        before = mark_of(reader)
        mark, incidents = unread(reader, before, _AT_ONCE)
        if not incidents:
            return False
        documents = read_documents(reader, incidents)
    with store.writing() as writer:
        if mark_of(writer) == before:
            add_documents(writer, documents, mark=mark)
    return True
