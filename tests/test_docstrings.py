"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import ticketpool

_NAMES = [name for _, name, _ in pkgutil.walk_packages(ticketpool.__path__, "ticketpool.")]
_EXAMPLES = [
    test
    for name in _NAMES
    if not name.endswith("__main__")
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    if test.examples
]


def test_there_are_examples() -> None:
    assert "ticketpool.core.model.Ticket" in {test.name for test in _EXAMPLES}


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda example: example.name)
def test_the_example_is_true(example: doctest.DocTest) -> None:
    outcome = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(example)
    assert outcome.failed == 0
