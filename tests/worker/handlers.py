"""Handlers of every kind, right and wrong, by name: ``tests.worker.handlers:NAME``."""

import asyncio
import ctypes
import functools
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypedDict

import msgspec

from ticketpool import Context, Record, Reject, Ticket

calls: list[Any] = []
"""What the handlers below were called with, in this process."""


class Order(msgspec.Struct):
    number: int
    lines: list[str] = []


@dataclass
class Plan:
    number: int


class Form(TypedDict):
    number: int


class Tree(msgspec.Struct):
    children: "list[Tree]"


class Plain:
    """No type that JSON can become."""


class Wrapped(msgspec.Struct):
    plain: Plain | None = None


def unannotated(ticket):  # type: ignore[no-untyped-def]
    calls.append(ticket)


def ticket(ticket: Ticket) -> None:
    calls.append(ticket)


def struct(order: Order) -> None:
    calls.append(order)


def struct_and_context(order: Order, context: Context) -> None:
    calls.append((order, context))


def pair(pair: tuple[int, int]) -> None:
    calls.append(pair)


def a_dataclass(plan: Plan) -> None:
    calls.append(plan)


def typed_dict(form: Form) -> None:
    calls.append(form)


def a_dict(payload: dict[str, Any]) -> None:
    calls.append(payload)


def tree(tree: Tree) -> None:
    calls.append(tree)


def raw(value: bytes) -> None:
    calls.append(value)


def raw_or_null(value: bytes | None) -> None:
    calls.append(value)


def record(record: Record) -> None:
    calls.append(record)


def record_and_context(record: Record, context: Context) -> None:
    calls.append((record, context))


def with_context(value: bytes, context: Context) -> None:
    calls.append((value, context))


def unannotated_context(value: bytes, context) -> None:  # type: ignore[no-untyped-def]
    calls.append((value, context))


def with_defaults(value: bytes, times: int = 3, *, loud: bool = False, **more: Any) -> None:
    calls.append((value, times, loud, more))


def only_default(value: bytes = b"") -> None:
    calls.append(value)


class Handler:
    """Instances of it can be called."""

    def __call__(self, value: bytes) -> None:
        calls.append(value)

    def method(self, value: bytes) -> None:
        calls.append(value)


def _bound(prefix: str, value: bytes) -> None:
    calls.append((prefix, value))


def _decorated(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> None:
        function(*arguments)

    return wrapper


instance = Handler()
nested = SimpleNamespace(inner=SimpleNamespace(handle=raw), slotted=object())
partial = functools.partial(functools.partial(_bound), "p")
decorated = _decorated(raw)
number = 5


# -- refused ---------------------------------------------------------------------------


def no_parameters() -> None: ...
def three(a: Ticket, b: Context, c: int) -> None: ...
def starred(*tickets: Ticket) -> None: ...
def needs_keyword(ticket: Ticket, *, database: str) -> None: ...
def batch(tickets: list[Ticket]) -> None: ...
def bare_list(tickets: list) -> None: ...  # type: ignore[type-arg]
def second_is_no_context(ticket: Ticket, other: int) -> None: ...
def plain(order: Plain) -> None: ...
def wrapped_plain(order: Wrapped) -> None: ...
def unreadable(order: "NoSuchName") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def not_a_type(order: 5) -> None: ...  # type: ignore[valid-type]
def two_structs(order: Order | Tree) -> None: ...


async def coroutine(ticket: Ticket) -> None:
    await asyncio.sleep(0)


def generator(ticket: Ticket) -> Iterator[int]:
    yield 1


async def async_generator(ticket: Ticket) -> AsyncIterator[int]:
    yield 1


class AsyncCallable:
    async def __call__(self, ticket: Ticket) -> None: ...


class GeneratorCallable:
    def __call__(self, ticket: Ticket) -> Iterator[int]:
        yield 1


async_instance, generator_instance = AsyncCallable(), GeneratorCallable()
async_partial = functools.partial(coroutine)
no_signature = min


# -- for a worker process ----------------------------------------------------------------


def act(value: bytes) -> None:
    """Does what the record says."""
    match value.decode().split():
        case ["exit", status]:
            os._exit(int(status))
        case ["segfault"]:
            ctypes.string_at(0)
        case ["hang"]:
            threading.Event().wait()
        case ["thread"]:
            threading.Thread(target=threading.Event().wait, daemon=False).start()
        case ["print", text]:
            sys.stdout.write(text + "\n")
        case ["reject"]:
            raise Reject("as it says")
        case ["raise"]:
            raise ValueError("as it says")
        case ["quit"]:
            sys.exit("as it says")


async def act_async(value: bytes) -> None:
    """The same, in its own time."""
    await asyncio.sleep(0)
    match value.decode().split():
        case ["sleep", seconds]:
            await asyncio.sleep(float(seconds))
        case ["block"]:
            threading.Event().wait()
        case _:
            act(value)


def act_batch(values: list[bytes]) -> None:
    """The same for each of them."""
    for value in values:
        act(value)


def batch_and_contexts(values: list[bytes], contexts: list[Context]) -> None:
    calls.append((values, contexts))


async def async_batch(tickets: list[Ticket]) -> None: ...
def records_batch(records: list[Record]) -> None: ...
def lists_batch(payloads: list[list[int]]) -> None: ...
def batch_of_plain(orders: list[Plain]) -> None: ...
def batch_with_one_context(tickets: list[Ticket], context: Context) -> None: ...
def one_with_contexts(ticket: Ticket, contexts: list[Context]) -> None: ...
