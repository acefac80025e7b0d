"""What cannot work is refused at start, with what to change; never record by record later.

In doubt because Python lets nearly anything be called with one argument: a
generator does nothing, and a plain class decodes nothing, without a word.
"""

import re

import pytest

from ticketpool.errors import HandlerError, HandlerNotFound, HandlerUnsupported
from ticketpool.worker.loading import load

HERE = "tests.worker.handlers"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "write module:function"),
        ("module", "write module:function"),
        ("module:", "write module:function"),
        (":function", "write module:function"),
        ("no_such_module:f", "no module 'no_such_module' in the current directory"),
        ("tests.no_such.module:f", "no module 'tests.no_such'"),
        ("tests.support.missing:f", "no module 'tests.support.missing'"),
        (f"{HERE}:tikcet", "has no 'tikcet'; its functions: a_dataclass, a_dict, act, "),
        (f"{HERE}:nested.inner.nothing", "has no 'nested.inner.nothing'"),
        (f"{HERE}:nested.slotted.nothing", "has no 'nested.slotted.nothing'"),
        (f"{HERE}:number.nothing", "has no 'number.nothing'"),
    ],
)
def test_a_name_that_leads_nowhere(name: str, words: str) -> None:
    with pytest.raises(HandlerNotFound, match=re.escape(words)):
        load(name)


def test_private_functions_are_not_offered() -> None:
    with pytest.raises(HandlerNotFound) as refused:
        load(f"{HERE}:nothing")
    assert "_bound" not in str(refused.value)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("importing_fails", "importing it failed: ValueError: no database"),
        ("importing_exits", "importing it failed: SystemExit: not today"),
        ("importing_misses", "importing it failed: No module named 'no_such_dependency'"),
    ],
)
def test_a_module_that_cannot_be_imported(module: str, words: str) -> None:
    with pytest.raises(HandlerError, match=re.escape(words)) as refused:
        load(f"tests.worker.{module}:handle")
    assert not isinstance(refused.value, HandlerNotFound)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Uncallable", "is a class without __call__"),
        ("NeedsMore", "its constructor is called without arguments"),
        ("OpensWithMore", "its open() is called without arguments"),
        ("Unmakable", "constructing it failed: ValueError: no model"),
    ],
)
def test_a_class_that_cannot_be_served(name: str, words: str) -> None:
    with pytest.raises(HandlerError, match=re.escape(words)) as refused:
        load(f"tests.worker.classes:{name}")
    assert f"handler tests.worker.classes:{name}" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("number", "is a int, not a function"),
        ("generator", "is a generator; calling it would do nothing"),
        ("async_generator", "is a generator"),
        ("generator_instance", "is a generator"),
        ("no_parameters", "takes one parameter (the ticket) or two"),
        ("three", "takes one parameter (the ticket) or two"),
        ("starred", "takes one parameter (the ticket) or two"),
        ("needs_keyword", "database: str) -> None: a handler takes one parameter"),
        ("no_signature", "no signature found"),
        ("bare_list", "annotated list; write of what, as in list[Ticket]"),
        ("batch_of_plain", "cannot decode JSON into Plain: Plain is no Struct"),
        ("batch_with_one_context", "annotated Context; a batch handler gets a list[Context]"),
        ("one_with_contexts", "it gets a ticketpool.Context"),
        ("second_is_no_context", "its second parameter is annotated int; it gets a"),
        ("plain", "cannot decode JSON into Plain: Plain is no Struct"),
        ("wrapped_plain", "cannot decode JSON into Wrapped: Plain is no Struct"),
        ("unreadable", "its annotations cannot be read: name 'NoSuchName' is not defined"),
        ("not_a_type", "cannot decode JSON into 5"),
        ("two_structs", "cannot decode JSON into"),
    ],
)
def test_a_handler_that_cannot_be_served(name: str, words: str) -> None:
    with pytest.raises(HandlerUnsupported, match=re.escape(words)) as refused:
        load(f"{HERE}:{name}")
    assert f"handler {HERE}:{name}" in str(refused.value)
    assert refused.value.exit_code == 4
