"""States go one way, whatever is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.lifecycle import Lifecycle, ServiceState


@given(st.lists(st.sampled_from(ServiceState)))
def test_a_service_never_goes_back(wanted: list[ServiceState]) -> None:
    lifecycle = Lifecycle()
    highest = ServiceState.STARTING
    for state in wanted:
        assert lifecycle.advance(state) == (state > highest)
        highest = max(highest, state)
        assert lifecycle.state is highest
