"""The connector: a subscriber whose broker keeps for it what it has not stored.

The session lives in the broker, so that what is published while the product is away, or cannot
write, waits there. A message is acknowledged when it is on disk; what was not, the broker sends
again after the next connection, and hearing it twice changes nothing.
"""

import asyncio
import logging
import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from paho.mqtt.client import topic_matches_sub

from pipelines.connectors.listener import Line
from pipelines.connectors.mqtt.connection import Connection, Message
from pipelines.connectors.mqtt.messages import MessagesFile, Reading
from pipelines.connectors.mqtt.options import MqttOptions
from pipelines.connectors.record import Record
from pipelines.connectors.reread import Reread
from pipelines.errors import NotStoredError, SourceUnavailableError

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SETTLE_S = 0.5
"""How long the broker must have been quiet for its retained descriptions to be complete."""


class Mqtt:
    """Hears what is published to some topics of a broker."""

    options = MqttOptions

    def __init__(self, options: MqttOptions, *, base: Path) -> None:
        self._options = options
        self._base = base
        self._reading = Reading(options)
        self._ordinals = count(1)
        self._has_subscribed = False

    async def listen(self, line: Line) -> None:
        """Hear the broker until cancelled; see :class:`~pipelines.connectors.listener.Listener`."""
        loop = asyncio.get_running_loop()
        pauses = growing()
        while True:
            began = loop.time()
            try:
                await self._hear(line)
            except SourceUnavailableError as error:
                line.down(str(error))
            if loop.time() - began > LONGEST_PAUSE_S:
                pauses = growing()
            await asyncio.sleep(next(pauses))

    def over(self, file: Path) -> MessagesFile:
        """Messages that were noted in a file, one ``topic payload`` a line."""
        return MessagesFile(file, self._reading, most=self._options.max_payload)

    def reread(self, raw: bytes, context: bytes) -> Reread:
        """The columns of a record that was kept."""
        return self._reading.reread(raw)

    async def _hear(self, line: Line) -> None:
        """Connect and hear until the connection ends; raises SourceUnavailableError then."""
        connection = Connection(self._options, base=self._base)
        try:
            is_resumed = await connection.open()
            self._say_what_is_lost(is_resumed)
            async with asyncio.TaskGroup() as keeping:
                tasks: set[asyncio.Task[None]] = set()
                error = await self._take(connection, line, keeping, tasks, is_resumed=is_resumed)
                # the broker sends again what these hold, and waits for no answer to it any more
                for task in tasks:
                    task.cancel()
        finally:
            connection.close()
        raise error

    async def _take(
        self,
        connection: Connection,
        line: Line,
        keeping: asyncio.TaskGroup,
        tasks: set[asyncio.Task[None]],
        *,
        is_resumed: bool,
    ) -> SourceUnavailableError:
        """Have everything kept that arrives; return why no more does."""
        try:
            if self._options.descriptions:
                await connection.subscribe(self._options.descriptions, anew=True)
                await connection.settled(SETTLE_S)
            await connection.subscribe(self._options.topics, anew=False)
            self._has_subscribed = True
            line.up()
            connection.bound()
            while True:
                messages = await connection.take()
                if is_resumed:
                    messages = self._without_copies(messages, connection)
                messages.sort(key=self._is_no_description)
                task = keeping.create_task(self._keep(messages, connection, line))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        except SourceUnavailableError as error:
            return error

    def _say_what_is_lost(self, is_resumed: bool) -> None:
        if self._has_subscribed and not is_resumed:
            logger.warning(
                "broker %s: it has forgotten the session of %s, and with it what was published "
                "while the connection was broken; let it keep sessions on its disk",
                self._options.host,
                self._options.client_id,
            )

    def _without_copies(self, messages: Sequence[Message], connection: Connection) -> list[Message]:
        """Leave out retained copies of what the session has brought, or will bring, by itself.

        MQTT 5 leaves them out by itself (retain handling 1); 3.1.1 has no such thing.
        """
        copies = [
            message
            for message in messages
            if self._options.version != "5"
            and message.is_retained
            and not message.is_again
            and self._is_no_description(message)
        ]
        connection.acknowledge(copies)
        return [message for message in messages if message not in copies]

    def _is_no_description(self, message: Message) -> bool:
        return not any(topic_matches_sub(at, message.topic) for at in self._options.descriptions)

    async def _keep(self, messages: Sequence[Message], connection: Connection, line: Line) -> None:
        """Return when the messages are on disk and acknowledged; tries for ever."""
        records: list[Record] = []
        for message in messages:
            records += self._reading.records(message.topic, message.payload, self._ordinals)
        for pause in growing():
            try:
                await line.deliver(records)
            except NotStoredError:
                if len(messages) > 1:
                    # what one of them has must not cost the others their place
                    alone = (self._keep([message], connection, line) for message in messages)
                    await asyncio.gather(*alone)
                    return
                await asyncio.sleep(pause)
            else:
                connection.acknowledge(messages)
                return


def growing() -> Iterator[float]:
    """Pauses in seconds, each about double the last, none the same for two that began at once."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(2 * pause, LONGEST_PAUSE_S)
