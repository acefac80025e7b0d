"""The HTTP listener: metrics, health, readiness, status. Import it only when it is wanted.

*Supervisor side.* It brings starlette and uvicorn along, about 5 MB and 50 ms.
"""

from ticketpool.http.server import HttpServer

__all__ = ["HttpServer"]
