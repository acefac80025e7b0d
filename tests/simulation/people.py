"""What people ask of a running supervisor, as if it came from its control socket."""

from tests.simulation.world import Service
from ticketpool.control.requests import Answer, Caller, Request
from ticketpool.control.server import Call

_SOMEBODY = Caller(pid=1, uid=0)


class Asked(Call):
    """A request whose answer nobody waits for."""

    def answer(self, reply: Answer) -> None:
        """Kept for tests."""
        self.reply = reply


def ask(service: Service, request: Request) -> Call:
    """The supervisor finds it at the end of its loop's present step."""
    call = Asked(request, _SOMEBODY)
    if service.supervisor is not None:
        service.supervisor.hands.calls.put(call)
    return call
