"""What a program sends is delivered in order per key, or told as undelivered; nothing is dropped.

In doubt because reports come on a thread of the producer's, the local buffer is finite, and a
program that ends takes with it whatever nobody has waited for.
"""

import asyncio
import subprocess
import sys
import threading
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from confluent_kafka import Message

from tests.broker import Broker
from tests.run.topics import raw_headers, read
from tests.support import eventually
from ticketpool import AsyncProducer, Delivery, Producer
from ticketpool.errors import NotDelivered, TicketpoolError

TINY = {"queue.buffering.max.messages": "10"}


def _by_key(messages: list[Message]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    for message in messages:
        key = message.key()
        assert isinstance(key, bytes)
        found[key].append(int(message.value() or b""))
    return found


def test_each_thread_s_keys_are_in_order_through_a_tiny_buffer(kafka: Broker, topic: str) -> None:
    def send(key: str) -> None:
        for number in range(300):
            producer.send(topic, str(number), key=key)

    with Producer(bootstrap_servers=kafka.bootstrap, properties=TINY) as producer:
        threads = [threading.Thread(target=send, args=(f"key-{n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert _by_key(read(kafka, topic)) == {b"key-%d" % n: list(range(300)) for n in range(3)}


def test_a_delivery_tells_where_the_record_stands(kafka: Broker, topic: str) -> None:
    at = datetime(2024, 2, 29, 12, 0, 0, 123000, UTC)
    with Producer(bootstrap_servers=kafka.bootstrap) as producer:
        sent = producer.send(topic, {"a": 1}, key="k", headers=[("h", "ü"), ("h", None)])
        written = sent.result(10)
        assert producer.send(topic, None, key=b"k", timestamp=at).result(10).offset == 1
    assert sent.done
    assert sent.result(0) == written
    first, second = read(kafka, topic)
    assert written == (topic, first.partition(), 0)
    assert (first.value(), first.key()) == (b'{"a":1}', b"k")
    assert raw_headers(first) == [("h", "ü".encode()), ("h", None)]
    assert (second.value(), second.timestamp()[1]) == (None, int(at.timestamp() * 1000))


def test_a_full_buffer_blocks_until_the_broker_is_back(kafka: Broker, topic: str) -> None:
    sent: list[Delivery] = []

    def send() -> None:
        sent.extend(producer.send(topic, str(number), key="k") for number in range(30))

    with Producer(bootstrap_servers=kafka.bootstrap, properties=TINY) as producer:
        producer.send(topic, "0", key="other").result(10)
        kafka.pause()
        sending = threading.Thread(target=send)
        sending.start()
        eventually(lambda: len(sent) == 10)
        with pytest.raises(TimeoutError, match="so far"):
            sent[0].result(0.3)
        with pytest.raises(TimeoutError, match="not acknowledged within"):
            producer.flush(0.01)
        assert len(sent) == 10
        kafka.resume()
        sending.join()
        producer.flush()
        assert all(one.done for one in sent)
    assert _by_key(read(kafka, topic))[b"k"] == list(range(30))


def test_what_times_out_is_told_by_everything_that_waits_for_it(kafka: Broker, topic: str) -> None:
    told = r"delivery_timeout=1 s; the broker may have it or not\. Is one up at 127\.0\.0\.1:\d+"
    producer = Producer(bootstrap_servers=kafka.bootstrap, delivery_timeout=1)
    eventually(lambda: producer.send(topic, "before").result())
    kafka.pause()
    producer.send(topic, "lost")
    with pytest.raises(NotDelivered, match=told):
        producer.flush()
    seen = producer.send(topic, "lost and seen")
    with pytest.raises(NotDelivered, match=told):
        seen.result()
    for _ in range(3):
        producer.send(topic, "lost and never asked for")
    with pytest.raises(NotDelivered, match=f"3 records were not delivered:\n  3 times: .*{told}"):
        producer.close()
    kafka.resume()
    producer.close()  # told once
    with pytest.raises(TicketpoolError, match="closed"):
        producer.send(topic, "too late")


def test_closing_in_time_gives_up_what_is_under_way(kafka: Broker, topic: str) -> None:
    producer = Producer(bootstrap_servers=kafka.bootstrap)
    producer.send(topic, "before").result(10)
    kafka.pause()
    sent = producer.send(topic, "?")
    with pytest.raises(NotDelivered, match=r"waited 0\.2 s; give close\(\) more"):
        producer.close(timeout=0.2)
    with pytest.raises(NotDelivered, match="may have it or not"):
        sent.result()


@pytest.mark.parametrize(
    ("where", "size", "told"),
    [
        (None, 2_000_000, "too large; raise the topic's max.message.bytes"),
        ("no-such-topic", 1, "'no-such-topic'.*Unknown.*; create the topic"),
        ("no topic's name", 1, "no topic's name"),
    ],
)
def test_an_undeliverable_record_says_what_and_where(
    kafka: Broker, topic: str, where: str | None, size: int, told: str
) -> None:
    hasty = {"topic.metadata.propagation.max.ms": "200"}
    with Producer(bootstrap_servers=kafka.bootstrap, properties=hasty) as producer:
        sent = producer.send(where or topic, b"x" * size)
        with pytest.raises(NotDelivered, match=told) as caught:
            sent.result(20)
    assert "xx" not in str(caught.value)  # never a value


def test_a_record_larger_than_the_whole_buffer_is_no_endless_wait(
    kafka: Broker, topic: str
) -> None:
    small = {"queue.buffering.max.kbytes": "1"}
    with Producer(bootstrap_servers=kafka.bootstrap, properties=small) as producer:
        with pytest.raises(NotDelivered, match=r"2000 bytes.*queue\.buffering\.max\.kbytes"):
            producer.send(topic, b"x" * 2000)
        assert producer.send(topic, b"x").result(10).offset == 0


def test_leaving_the_block_raises_what_nobody_has_seen(kafka: Broker, topic: str) -> None:
    properties = {"message.max.bytes": "1000"}
    with pytest.raises(NotDelivered, match="too large"):
        with Producer(bootstrap_servers=kafka.bootstrap, properties=properties) as producer:
            producer.send(topic, b"x" * 2000)
    with pytest.raises(ZeroDivisionError) as caught:
        with Producer(bootstrap_servers=kafka.bootstrap, properties=properties) as producer:
            producer.send(topic, b"x" * 2000)
            raise ZeroDivisionError  # the block's own error goes first
    assert "too large" in "".join(caught.value.__notes__)


PROGRAM = """
import os, sys
from ticketpool import Producer

producer = Producer(bootstrap_servers=sys.argv[1], properties={"message.max.bytes": "1000"})
producer.send(sys.argv[2], b"never waited for")
producer.send(sys.argv[2], b"x" * 2000)
pid = os.fork()
if pid == 0:
    try:
        producer.send(sys.argv[2], b"from a fork")
    except Exception as error:
        print(error, flush=True)
        os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_program_that_just_ends_has_delivered_and_is_told(kafka: Broker, topic: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, kafka.bootstrap, topic],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert [one.value() for one in read(kafka, topic)] == [b"never waited for"]
    assert "too large" in done.stderr
    assert "before a fork" in done.stdout


# -- asyncio -----------------------------------------------------------------------------


def test_tasks_are_served_in_turn_through_a_tiny_buffer(kafka: Broker, topic: str) -> None:
    async def main() -> list[int]:
        async with AsyncProducer(bootstrap_servers=kafka.bootstrap, properties=TINY) as producer:
            sends = [producer.send(topic, str(n), key="k") for n in range(200)]
            deliveries = await asyncio.gather(*sends)
            return [(await one).offset for one in deliveries]

    assert asyncio.run(main()) == list(range(200))
    assert _by_key(read(kafka, topic)) == {b"k": list(range(200))}


def test_the_event_loop_runs_on_while_a_send_waits_for_room(kafka: Broker, topic: str) -> None:
    async def main() -> None:
        async with AsyncProducer(bootstrap_servers=kafka.bootstrap, properties=TINY) as producer:
            await (await producer.send(topic, "first"))
            kafka.pause()
            for _ in range(10):
                last = await producer.send(topic, "fits")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(producer.send(topic, "does not fit"), 0.2)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(last, 0.1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(producer.flush(), 0.1)
            kafka.resume()
            await producer.flush()
            assert last.done

    asyncio.run(main())
    assert len(read(kafka, topic)) == 11  # what was cancelled was not sent


def test_a_coroutine_is_told_what_was_not_delivered(kafka: Broker, topic: str) -> None:
    properties = {"message.max.bytes": "1000"}

    async def seen() -> None:
        async with AsyncProducer(bootstrap_servers=kafka.bootstrap, properties=properties) as one:
            delivery = await one.send(topic, b"x" * 2000)
            with pytest.raises(NotDelivered, match="too large"):
                await delivery

    async def unseen() -> None:
        async with AsyncProducer(bootstrap_servers=kafka.bootstrap, properties=properties) as one:
            await one.send(topic, b"x" * 2000)

    asyncio.run(seen())
    with pytest.raises(NotDelivered, match="too large"):
        asyncio.run(unseen())


def test_an_outcome_after_its_event_loop_is_closed_harms_nobody(kafka: Broker, topic: str) -> None:
    with Producer(bootstrap_servers=kafka.bootstrap, properties={"linger.ms": "300"}) as producer:
        sent = producer.send(topic, "x")

        async def give_up() -> None:
            waiting = asyncio.ensure_future(sent.known())
            await asyncio.sleep(0)
            waiting.cancel()

        async def wait() -> None:
            await asyncio.wait_for(sent.known(), 10)

        asyncio.run(give_up())
        asyncio.run(wait())
        assert sent.result(0).offset == 0
