"""Back-pressure throws prefetched records away: how much more is fetched than processed?

A pause drops what librdkafka holds of that partition, and a resume fetches it again.
Half of the partitions have slow handlers, so that their buffers fill over and over;
a proxy counts what the broker is sent and what it sends. The broker keeps batches as they
came and cuts an answer off within a batch, which is sent again then: that counts
as well, and a bare loop that never pauses shows how much it is: a third of all bytes with
batches of 1 MB (librdkafka's default), little with those of 100 KB.
The short form has about a tenth of everything: backlog, batches, buffers, fetches.
"""

from collections.abc import Callable, Iterator

import pytest

from benchmarks.backlog import Placed, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from tests.broker import Broker
from tests.faults.proxied import kafka, proxy, way_in
from tests.faults.proxy import Proxy
from tests.run.listener import Listener as Http
from tests.support import eventually

__all__ = ["kafka", "proxy", "way_in"]

NAP = 0.0002
TARGET = 1.2
CEILING = 4.0
TENTH = (
    "--buffer-records", "2000", "-X", "max.partition.fetch.bytes=26214",
    "-X", "fetch.max.bytes=209715", "-X", "message.max.bytes=209715",
    "-X", "queued.max.messages.kbytes=819",
)  # fmt: skip


def slow_and_quick(each: int) -> Iterator[Placed]:
    """Tickets for 8 partitions in turn; those of the even ones are slow."""
    return ((n % 8, "0" if n % 2 else str(NAP)) for n in range(8 * each))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("each", "batch", "options"),
    [
        (16_000, 100_000, TENTH),
        pytest.param(160_000, 100_000, (), marks=pytest.mark.slow),
        pytest.param(160_000, 1_000_000, (), marks=pytest.mark.slow),
    ],
)
def test_bytes(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures, proxy: Proxy,
    listener: Http, each: int, batch: int, options: tuple[str, ...],
) -> None:  # fmt: skip
    written = proxy.bytes_up
    write(kafka, topic, slow_and_quick(each), batch=batch, noise=True, bootstrap=proxy.address)
    written = proxy.bytes_up - written
    by_proxy = ("--bootstrap-servers", proxy.address, "--http", listener.address)

    def pressed() -> None:
        service = contenders.run(
            "nap", topic, group, "--workers", "2", "--until-caught-up", *by_proxy, *options
        )
        eventually(lambda: any(one["paused"] for one in listener.status()["partitions"]))
        service.expect(0, 300)

    ours = fetched(proxy, lambda: figures.once(pressed))
    once = fetched(
        proxy, lambda: contenders.bare(topic, f"{group}-bare", 8 * each, bootstrap=proxy.address)
    )
    assert min(ours, once, written) > 8 * each * 50  # the tickets did pass, both ways
    report(figures, f"batches of {batch // 1000} KB", ours, once, written)


def fetched(proxy: Proxy, act: Callable[[], object]) -> int:
    """Bytes that the broker sends meanwhile."""
    before = proxy.bytes_down
    act()
    return proxy.bytes_down - before


def report(figures: Figures, what: str, ours: int, once: int, written: int) -> None:
    ratio = ours / written
    figures.tell(
        f"refetch under back-pressure, {what}",
        f"{ours / 1e6:,.1f} MB fetched, {written / 1e6:,.1f} MB processed, ratio {ratio:.2f}; "
        f"a bare loop without any pressure {once / written:.2f}",
        f"ratio ≤ {TARGET}",
        ratio <= TARGET,
        ratio=ratio,
    )
    assert ratio <= CEILING
