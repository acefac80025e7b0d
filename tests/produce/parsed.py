"""Lines, parsed in one go."""

from ticketpool.produce.items import Parsed
from ticketpool.produce.lines import Splitter
from ticketpool.produce.parsing import Parser, Wanted, parser_of


def parsed(
    data: bytes, form: str = "jsonl", key: str | None = None, timestamp: str | None = None
) -> list[Parsed]:
    """What the lines of ``data`` are."""
    splitter = Splitter()
    parser: Parser = parser_of(form, Wanted(key, timestamp))
    return [*parser.parse(splitter.feed(data) + splitter.end()), *parser.end()]
