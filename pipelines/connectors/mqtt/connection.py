"""One connection to a broker, from CONNECT to its end, in the event loop that runs.

paho-mqtt speaks MQTT; the event loop tells it when its socket can be read and written. So one
thread is enough, and acknowledging a message is a plain call.
"""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pipelines.connectors.mqtt.options import MqttOptions, TlsOptions
from pipelines.errors import SourceUnavailableError

LARGEST_PACKET = 16 << 20
"""Bytes of a message; with MQTT 5 the broker keeps larger ones to itself."""
_PACKETS_A_TURN = 100
"""Packets read before others in the event loop have their turn."""
_LOOK_EVERY_S = 1.0
_SOON_S = 60.0
_NO_TOPIC = "(not UTF-8)"
_NO_MQTT = (ValueError, LookupError, struct.error, MQTTException)
"""What paho raises for bytes that are no packet."""
_DOUBTS = {
    0x85: "another client_id may be wanted",
    0x86: "check user and password",
    0x87: "the broker's access list must allow it",
    0x8E: "another client has the same client_id",
}
"""MQTT 5.0, 2.4: reason codes that the owner can do something about."""


_T = TypeVar("_T")


class Message(NamedTuple):
    """What the broker delivered; ``number`` is by what it is acknowledged, 0 when it is not.

    ``is_again`` is True when the broker has delivered it before and was not told that it is kept.
    """

    topic: str
    payload: bytes
    number: int
    is_retained: bool
    is_again: bool = False


class Connection:
    """Hears one broker until the connection ends, for whatever reason."""

    def __init__(self, options: MqttOptions, *, base: Path) -> None:
        self._options = options
        self._base = base
        self._where = ":".join(str(part) for part in options.broker())
        self._loop = asyncio.get_running_loop()
        self._client = _client(options)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._heard
        self._arrived: deque[Message] = deque()
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._accepted: asyncio.Future[bool] = self._loop.create_future()
        self._news = asyncio.Event()
        self._ended: str | None = None
        self._accepted_at = 0.0
        self._held = 0
        self._is_reading = False
        self._bounded = False
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> bool:
        """Connect; return whether the broker kept the session of the last time.

        Raises SourceUnavailableError, and SourceConfigError for a secret that is not set.
        """
        options = self._options
        password = None if options.password is None else options.password.reveal()
        if options.user is not None:
            self._client.username_pw_set(options.user, password)
        if options.tls is not None:
            self._client.tls_set_context(_context(options.tls, self._base))
        try:
            await asyncio.to_thread(self._connect)
        except ssl.SSLCertVerificationError as error:
            raise SourceUnavailableError(
                f"{self._where}: the broker's certificate is not trusted: {error.verify_message}; "
                "tls.ca_file must hold the certificate of its issuer"
            ) from error
        except ssl.SSLError as error:
            reason = error.reason or error
            raise SourceUnavailableError(f"{self._where}: TLS failed: {reason}") from error
        except OSError as error:
            raise SourceUnavailableError(
                f"{self._where}: the broker cannot be reached: {error.strerror or error}"
            ) from error
        opened = self._client.socket()
        if opened is None:
            self._end_unanswered()
            return await self._answer(self._accepted, "the connection")
        if isinstance(opened, socket.socket):  # one answer is not to wait for the next
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.on_socket_close = self._closed
        self._client.on_socket_register_write = self._wants_to_write
        self._client.on_socket_unregister_write = self._has_written
        self._listen()
        if self._client.want_write():
            self._wants_to_write(None, None, opened)
        self._watch = asyncio.create_task(self._look_after())
        return await self._answer(self._accepted, "the connection")

    async def subscribe(self, topics: Sequence[str], *, anew: bool) -> None:
        """Subscribe with QoS 1; or, when ``anew``, have what is retained sent once more.

        What describes devices comes with QoS 0: it waits behind nothing that is not
        acknowledged, and will be sent again after the next connection.
        """
        if not topics:
            return
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        handling = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
        if not anew:
            handling = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        qos = 0 if anew else 1
        wanted: list[Any] = [
            (topic, SubscribeOptions(qos=qos, retainHandling=handling))
            if self._options.version == "5"
            else (topic, qos)
            for topic in topics
        ]
        code, number = self._client.subscribe(wanted)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise SourceUnavailableError(f"{self._where}: {self._ended or 'cannot subscribe'}")
        self._answers[number] = answer
        codes = await self._answer(answer, "the subscription")
        for topic, reason in zip(topics, codes, strict=False):
            if reason.is_failure:
                raise SourceUnavailableError(
                    f"{self._where}: the broker refuses topic {topic}: {_told(reason)}"
                )

    async def take(self) -> list[Message]:
        """What has arrived since the last time, in order; waits until there is something.

        Raises SourceUnavailableError when the connection has ended.
        """
        while not self._arrived:
            if self._ended is not None:
                raise SourceUnavailableError(f"{self._where}: {self._ended}")
            self._news.clear()
            await self._news.wait()
        taken = list(self._arrived)
        self._arrived.clear()
        return taken

    async def settled(self, pause_s: float) -> None:
        """Return when nothing has arrived for a while, or the connection has ended."""
        before = -1
        while before != self._held and self._ended is None:
            before = self._held
            await asyncio.sleep(pause_s)

    def bound(self) -> None:
        """From now on, read no more while as much waits as may."""
        self._bounded = True
        self._read_if_there_is_room()

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these are on disk, unless the connection has ended."""
        self._held -= len(messages)
        if self._ended is None:
            for message in messages:
                if message.number:
                    self._client.ack(message.number, 1)
            self._read_if_there_is_room()

    def close(self) -> None:
        """Say good-bye if there is anybody to say it to, and let go of everything."""
        if self._watch is not None:
            self._watch.cancel()
        if self._ended is None and self._client.socket() is not None:
            self._client.disconnect()
            self._client.loop_write()
        self._ended = self._ended or "closed"
        opened = self._client.socket()
        if opened is not None:
            self._closed(None, None, opened)
            opened.close()

    def _connect(self) -> None:
        """Connect, with the handshake of TLS if there is one; this blocks."""
        options = self._options
        host, port = options.broker()
        properties = None
        if options.version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = int(options.session_expiry.total_seconds())
            properties.ReceiveMaximum = options.in_flight
            properties.MaximumPacketSize = LARGEST_PACKET
        keepalive = int(options.keepalive.total_seconds())
        if properties is None:
            self._client.connect(host, port, keepalive)
        else:
            self._client.connect(host, port, keepalive, clean_start=False, properties=properties)

    async def _answer(self, answer: asyncio.Future[_T], to: str) -> _T:
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                return await answer
        except TimeoutError as error:
            raise SourceUnavailableError(
                f"{self._where}: no answer to {to} within {self._options.timeout}"
            ) from error

    async def _look_after(self) -> None:
        while self._ended is None:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._client.loop_misc()

    def _listen(self) -> None:
        opened = self._client.socket()
        if not self._is_reading and opened is not None:
            self._is_reading = True
            self._loop.add_reader(opened, self._read)

    def _read_if_there_is_room(self) -> None:
        opened = self._client.socket()
        if self._held <= self._options.in_flight or not self._bounded:
            self._listen()
        elif opened is not None and self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(opened)

    def _read(self) -> None:
        for _ in range(_PACKETS_A_TURN):
            try:
                self._client.loop_read()
            except _NO_MQTT as error:
                self._end(f"the broker sent what is no MQTT: {type(error).__name__}")
                return
            opened = self._client.socket()
            if not isinstance(opened, ssl.SSLSocket) or not opened.pending():
                return
        # what TLS has unpacked already, the socket does not announce
        self._loop.call_soon(self._read)

    def _heard(self, _: Client, __: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = _NO_TOPIC
        number = message.mid if message.qos else 0
        self._arrived.append(
            Message(topic, bytes(message.payload), number, message.retain, message.dup)
        )
        self._held += 1
        self._read_if_there_is_room()
        self._news.set()

    def _connected(self, _: Client, __: Any, flags: Any, reason: ReasonCode, ___: Any) -> None:
        if self._accepted.done():
            return
        if reason.is_failure:
            self._end(f"the broker refuses the connection: {_told(reason)}")
        else:
            self._accepted_at = self._loop.time()
            self._accepted.set_result(bool(flags.session_present))

    def _subscribed(
        self, _: Client, __: Any, number: int, reasons: list[ReasonCode], ___: Any
    ) -> None:
        answer = self._answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(reasons)

    def _disconnected(self, _: Client, __: Any, flags: Any, reason: ReasonCode, ___: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._end(f"the broker ended the connection: {_told(reason)}")
        elif self._accepted.done():
            hint = ""
            if self._loop.time() - self._accepted_at < _SOON_S:
                # this is all that a Mosquitto says to the elder of two clients with one name
                hint = "; if it does so again and again, another client has the same client_id"
            self._end(f"the connection to the broker broke off{hint}")
        else:
            self._end_unanswered()

    def _end_unanswered(self) -> None:
        hint = "; it may want a certificate" if self._options.tls is not None else ""
        self._end(f"the broker closed the connection before it answered{hint}")

    def _end(self, why: str) -> None:
        if self._ended is not None:
            return
        self._ended = why
        self._news.set()
        error = SourceUnavailableError(f"{self._where}: {why}")
        waiting: list[asyncio.Future[Any]] = [self._accepted, *self._answers.values()]
        for answer in waiting:
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # nobody may be waiting for this one

    def _closed(self, _: Any, __: Any, closing: Any) -> None:
        if closing.fileno() >= 0:
            self._loop.remove_reader(closing)
            self._loop.remove_writer(closing)
        self._is_reading = False

    def _wants_to_write(self, _: Any, __: Any, opened: Any) -> None:
        self._loop.add_writer(opened, self._client.loop_write)

    def _has_written(self, _: Any, __: Any, opened: Any) -> None:
        self._loop.remove_writer(opened)


def _client(options: MqttOptions) -> Client:
    kept: dict[str, Any] = {"protocol": MQTTv5}
    if options.version != "5":
        kept = {"protocol": MQTTv311, "clean_session": False}
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=options.client_id,
        manual_ack=True,
        reconnect_on_failure=False,
        **kept,
    )
    client.connect_timeout = options.timeout.total_seconds()
    return client


def _context(options: TlsOptions, base: Path) -> ssl.SSLContext:
    """How TLS is spoken; read anew for every connection, for certificates are renewed."""
    ca_file = None if options.ca_file is None else str(base / options.ca_file)
    password = None if options.key_password is None else options.key_password.reveal()
    named = ca_file
    try:
        context = ssl.create_default_context(cafile=ca_file)
        context.check_hostname = options.check_name
        if options.certificate is not None:
            own = base / options.certificate
            key = None if options.key is None else str(base / options.key)
            named = f"{own}" if key is None else f"{own} or {key}"
            context.load_cert_chain(own, key, password or "")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise SourceUnavailableError(
            f"{named}: cannot be read as PEM: {getattr(error, 'strerror', None) or error}"
        ) from error
    return context


def _told(reason: ReasonCode) -> str:
    doubt = _DOUBTS.get(reason.value)
    return f"{reason}; {doubt}" if doubt else f"{reason}"
