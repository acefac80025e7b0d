"""The real commands against an embedded cluster, watched and judged.

::

    demo process                        children (real ``ticketpool`` commands)
    ├── embedded cluster  ◀──────────── produce: keyed tickets at an exact pace
    │                     ◀──────────── run: supervisor and workers
    ├── live view         ◀── HTTP ────   its /api/status
    └── verdict           ◀── files ───   a journal per worker process, one line per ticket
"""
