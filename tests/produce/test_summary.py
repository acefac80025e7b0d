"""The summary says what happened in numbers that fit together."""

import pytest

from ticketpool.errors import VerificationFailed
from ticketpool.produce.outlet import linger_ms
from ticketpool.produce.summary import LatencyMs, Summary, milliseconds, table


def _summary(*, ok: bool, failed: int = 0, reasons: dict[str, int] | None = None) -> Summary:
    return Summary(
        ok=ok, delivered=1234, failed=failed, seconds=12.34, rate_per_s=100.0,
        rate_wanted_per_s=100.0, latency_ms=LatencyMs(1.0, 2.0, 3.0), run="0123abcd",
        topic="tickets", keys=10, workers=2, reasons=reasons or {},
    )  # fmt: skip


def test_a_good_run_passes() -> None:
    _summary(ok=True).require_ok()


def test_failures_are_told_with_their_reasons() -> None:
    with pytest.raises(VerificationFailed, match=r"^3 tickets .*'tickets': timed out \(3\)$"):
        _summary(ok=False, failed=3, reasons={"timed out": 3}).require_ok()


def test_a_dead_process_fails_the_run_even_with_nothing_under_way() -> None:
    with pytest.raises(VerificationFailed, match="process died"):
        _summary(ok=False).require_ok()


def test_the_table_is_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    table(_summary(ok=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert "1,234 tickets to tickets" in err
    assert "100.0/s (wanted 100)" in err
    assert "p50 1.0 ms, p99 2.0 ms, max 3.0 ms" in err


def test_a_quantile_is_not_beyond_the_maximum() -> None:
    assert milliseconds(0.0107, 0.0101) == 10.1
    assert milliseconds(None, 0.01) is None


@pytest.mark.parametrize(
    ("rate", "workers", "linger"),
    [(0, 1, 5.0), (100, 1, 0.0), (1500, 2, 0.0), (5000, 2, 1.0)],
)
def test_a_low_rate_does_not_linger(rate: float, workers: int, linger: float) -> None:
    assert linger_ms(rate, workers) == linger
