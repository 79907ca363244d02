"""Cutting a stream of bytes into frames, by their length and without trusting it.

The end mark also occurs inside text, so only the length says where a frame ends. The length may be
wrong, or stand behind a start mark that is none: whatever fails, reading goes on one byte behind.
"""

import re
from binascii import unhexlify
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.decoders.gb26875.frame import (
    END,
    HEADER,
    MAX_ADU,
    OVERHEAD,
    START,
    BadFrame,
    Frame,
    checksum,
    read_header,
)

NO_START = "no 0x4040 start"
NOT_ONE = "is not one frame and nothing else"
MAX_HELD = 2 * (OVERHEAD + MAX_ADU)
"""The longest frame there is, written as text."""
_MARK = re.compile(rb"@@|4040")
_START = re.compile(
    rb"@@(?!@.{22}[^\x00-\x04])|4040(?!40.{44}(?:[1-9A-Fa-f]|0[5-9A-Fa-f]))", re.DOTALL
)
"""A start mark, but not one that another overlaps and whose length (byte 25) is past the limit:
that is a stray 0x40, and a flood of them must not cost a look each."""
_START_BEGUN = re.compile(rb"(?:@|404|40|4)\Z")
_HEX = re.compile(rb"[0-9A-Fa-f]*")
_TEXT = ord("4")
_NEVER = 1 << 62


class _Look(NamedTuple):
    """What stands at a start mark, and behind which byte of the buffer that was certain."""

    found: Frame | BadFrame | None
    known_at: int


class Framer:
    """Cuts one connection's bytes into frames.

    Its owner calls ``feed`` with every read, in order, and answers what comes back; when the peer
    has been quiet for a while, or has gone, it calls ``settle``. The same bytes give the same
    frames however they are cut into reads.
    """

    def __init__(self) -> None:
        self.skipped = 0
        """Bytes that were part of no good frame, so far."""
        self._held = b""
        self._reported = 0  # false starts before this place in the buffer are already told of

    @property
    def held(self) -> int:
        """How many bytes wait for the rest of their frame; less than ``MAX_HELD``."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame | BadFrame]:
        """Take in one read; return what is complete now."""
        return list(self._cut(self._held + data, final=False))

    def settle(self) -> list[Frame | BadFrame]:
        """Stop waiting: what is held is no frame, and what stands inside it may be some.

        Without this, noise that looks like the start of a long frame would hold back the
        short good frame behind it until the peer sends more.
        """
        return list(self._cut(self._held, final=True))

    def _cut(self, buffer: bytes, *, final: bool) -> Iterator[Frame | BadFrame]:
        at = 0
        while start := _START.search(buffer, at):
            self.skipped += start.start() - at
            at = start.start()
            look = _look(buffer, at)
            rival = _rival(buffer, at, look.known_at)
            if rival is not None:
                self.skipped += rival[0] - at
                at, look = rival
            if isinstance(look.found, Frame):
                yield look.found
                at = look.known_at
                continue
            if look.known_at == _NEVER and not final:
                break
            bad = _cut_off(buffer[at:]) if look.known_at == _NEVER else look.found
            if bad is not None and (bad.deny_due or self._is_news(buffer, at)):
                yield bad
                self._reported = at + OVERHEAD * _width(buffer, at)
            at += 1
            self.skipped += 1
        else:
            begun = None if final else _START_BEGUN.search(buffer, at)
            kept = begun.start() if begun else len(buffer)
            self.skipped += kept - at
            at = kept
        self._held = buffer[at:]
        self._reported = max(0, self._reported - at)

    def _is_news(self, buffer: bytes, at: int) -> bool:
        """Whether a false start is worth a report: not inside the last, not a stray 0x40."""
        return at >= self._reported and not _MARK.match(buffer, at + _width(buffer, at))


def whole(raw: bytes) -> Frame | BadFrame:
    """The frame that these bytes, or this hex text, are from their first to their last."""
    if raw.startswith(START) and len(raw) >= OVERHEAD:
        length = raw[24] | raw[25] << 8
        if len(raw) == OVERHEAD + length and length <= MAX_ADU:
            return _judge(raw, 1)
    framer = Framer()
    found = framer.feed(raw) + framer.settle()
    if len(found) == 1 and not framer.skipped:
        return found[0]
    bad = next((item for item in found if isinstance(item, BadFrame)), None)
    return bad or BadFrame(why=NOT_ONE if found else NO_START, raw=raw)


def _rival(buffer: bytes, at: int, known_at: int) -> tuple[int, _Look] | None:
    """The good frame that a stray 0x40 right before its start would hide, if it ends first."""
    width = _width(buffer, at)
    start = at + width
    if known_at < start + OVERHEAD * width:
        return None
    best = None
    while start < at + HEADER.size * width and _MARK.match(buffer, start):
        look = _look(buffer, start)
        if isinstance(look.found, Frame) and look.known_at < known_at:
            best, known_at = (start, look), look.known_at
        start += width
    return best


def _width(buffer: bytes, at: int) -> int:
    """Characters a byte: two in a frame written as text."""
    return 2 if buffer[at] == _TEXT else 1


def _look(buffer: bytes, at: int) -> _Look:
    """Judge the start mark at ``at`` by what has come; nothing is found in text that is not hex."""
    width = _width(buffer, at)
    if width == 2:
        hexadecimal = _HEX.match(buffer, at, at + MAX_HELD)
        run_end = hexadecimal.end() if hexadecimal else at
        waiting = _Look(None, run_end + 1 if run_end < len(buffer) else _NEVER)
    else:
        run_end = len(buffer)
        waiting = _Look(None, _NEVER)

    header_end = at + HEADER.size * width
    if header_end > run_end:
        return waiting
    low, high = _binary(buffer[at + 24 * width : at + 26 * width], width)
    length = low | high << 8
    if length > MAX_ADU:
        why = f"ADU longer than {MAX_ADU} (standard limit)"
        raw = buffer[at:header_end]
        return _Look(BadFrame(why=why, raw=raw, as_text=width == 2), header_end)
    end = at + (OVERHEAD + length) * width
    if end > run_end:
        return waiting
    return _Look(_judge(buffer[at:end], width), end)


def _judge(received: bytes, width: int) -> Frame | BadFrame:
    raw = _binary(received, width)
    if not raw.endswith(END):
        return BadFrame(why="bad tail", raw=received, as_text=width == 2)
    right = checksum(raw)
    if raw[-3] != right:
        why = f"checksum mismatch (0x{right:02x} expected)"
        return BadFrame(why=why, raw=received, deny_due=True, as_text=width == 2)
    return Frame(
        header=read_header(raw),
        adu=raw[HEADER.size : -3],
        checksum=right,
        raw=raw,
        as_text=width == 2,
    )


def _cut_off(received: bytes) -> BadFrame:
    """Say what is wrong with a start mark behind which too little came."""
    width = _width(received, 0)
    digits = _HEX.match(received) if width == 2 else None
    if digits:
        received = digits.group()[: digits.end() // 2 * 2]
    raw = _binary(received, width)
    header = read_header(raw) if len(raw) >= HEADER.size else None
    why = "truncated (need more bytes; not an error on a stream)"
    if header is not None and len(raw) >= OVERHEAD and raw.endswith(END):
        present = len(raw) - OVERHEAD
        why = (
            f"ADU length says {header.adu_length} but {present} present; "
            "bytes 23 23 not where length says"
        )
    return BadFrame(why=why, raw=received, as_text=width == 2)


def _binary(received: bytes, width: int) -> bytes:
    return received if width == 1 else unhexlify(received)
