"""What a question may name: what there is, and what there was."""

from pathlib import Path

import pytest

from pipelines.errors import QueryError
from pipelines.figures.named import check_names
from pipelines.figures.query import Query
from tests.builders import MUCH_LATER
from tests.pipelines.installations import CALLS, a_batch, a_call, a_record, an_installation

RADIO = CALLS.format(options="", path="radio.csv").replace("sources.calls", "sources.radio")


def test_a_source_that_is_no_longer_configured_is_known_by_the_incidents_it_told(tmp_path: Path):
    asked = Query(as_of=MUCH_LATER, source="radio")
    before = an_installation(tmp_path, more=RADIO)
    radio = next(source for source in before.sources if source.id == "radio")
    before.door.accept(radio, a_batch(a_record(a_call("A-1", resolved=600))), now=MUCH_LATER)
    before.store.close()

    after = an_installation(tmp_path)

    with after.store.reading() as reader:
        check_names(reader, asked, after)
        with pytest.raises(QueryError, match="source = 'radios': there is no such source"):
            check_names(reader, Query(as_of=MUCH_LATER, source="radios"), after)
    after.store.close()


def test_a_source_that_never_told_of_anything_is_not(tmp_path: Path):
    installation = an_installation(tmp_path)

    with installation.store.reading() as reader:
        with pytest.raises(QueryError, match="source = 'radio': there is no such source; use one"):
            check_names(reader, Query(as_of=MUCH_LATER, source="radio"), installation)
        check_names(reader, Query(as_of=MUCH_LATER, source="calls", kind="no_kind"), installation)
    installation.store.close()
