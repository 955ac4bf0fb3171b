"""Load for a server on this machine: requests made before, sent over connections that are kept."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_HOST: Final = "127.0.0.1"
_HEAD: Final = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@dataclass
class Load:
    """What came of it: the seconds that each answered request took, those that all took together, and the failures."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0


def send_all(port: int, bodies: Sequence[bytes], connections: int) -> Load:
    """Send all `bodies`, as many at a time as there are connections."""
    return asyncio.run(_send_all(port, bodies, connections))


def send_paced(port: int, bodies: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Send `rate` requests a second, whether or not those before are answered; latencies count from when it was due."""
    return asyncio.run(_send_paced(port, bodies, rate, seconds))


async def _send_all(port: int, bodies: Sequence[bytes], connections: int) -> Load:
    load, waiting = Load(), iter(bodies)
    start = time.perf_counter()
    await asyncio.gather(*(_work(port, waiting, load) for _ in range(connections)))
    load.seconds = time.perf_counter() - start
    return load


async def _work(port: int, bodies: Iterator[bytes], load: Load) -> None:
    reader, writer = await asyncio.open_connection(_HOST, port)
    for body in bodies:
        start = time.perf_counter()
        await _ask(reader, writer, body, load, start)
    writer.close()


async def _send_paced(port: int, bodies: Sequence[bytes], rate: float, seconds: float) -> Load:
    load = Load()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(body: bytes, due: float) -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(_HOST, port)
        await _ask(reader, writer, body, load, due)
        idle.append((reader, writer))

    start = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(bodies[number % len(bodies)], due)))
    await asyncio.gather(*tasks)
    load.seconds = time.perf_counter() - start
    for _, writer in idle:
        writer.close()
    return load


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, load: Load, start: float
) -> None:
    writer.write(f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    if head.startswith(b"HTTP/1.1 200"):
        load.latencies.append(time.perf_counter() - start)
    else:
        load.failed += 1
