"""What ``ticketpool status`` and ``ticketpool top`` show, and from whom they have it.

``ask`` and ``broker`` get answers, ``view`` merges them, ``findings`` says what is not well;
``sheet`` and ``scene`` draw. All of these but the first two are pure functions of a status;
``live`` is the thin loop around them.
"""
