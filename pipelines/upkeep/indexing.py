"""Bringing the search index up to date, beside the door: what is taken in does not wait for it."""

import logging

from pipelines.host.rounds import Round
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
        self._keeps_up: bool | None = None
        self._round = Round("indexer", self._look, every_s=look_s, first_s=0)

    def start(self) -> None:
        """Begin to look."""
        self._round.start()

    def stop(self) -> None:
        """Look no more; what is being written is finished first."""
        self._round.stop()

    def _look(self) -> None:
        if self._keeps_up is None:
            self._keeps_up = self._prepared()
        if self._keeps_up:
            while index_some(self._store) and not self._round.is_stopping:
                pass

    def _prepared(self) -> bool:
        """Make the index; whether it is to be kept up to date from here."""
        try:
            with self._store.writing() as writer:
                keeps_up = prepare(writer)
            if not keeps_up:  # this database keeps its index up to date by itself
                self._store.index_words()
        except Exception:
            logger.exception("the search index cannot be made; searching reads every incident")
            return False
        return keeps_up


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
