"""Frames as records."""

from pipelines.connectors.record import Origin, Record
from pipelines.decoders.gb26875.frame import BadFrame, Frame
from pipelines.decoders.gb26875.meaning import bad_frame


def good_record(frame: Frame, part: str, number: int) -> Record:
    """A frame as a record: its bytes, also where it came as text."""
    return Record(frame.raw, b"", None, Origin(part, frame.header.sequence), number)


def bad_record(frame: BadFrame, part: str, number: int, line: int | None = None) -> Record:
    """What is no frame, with the bytes as they came and what is wrong with them."""
    if line is None:
        line = frame.header.sequence if frame.header is not None else 0
    error = bad_frame(frame)
    problem = (error.column, error.value, error.rule)
    return Record(frame.raw, b"", None, Origin(part, line), number, problem)
