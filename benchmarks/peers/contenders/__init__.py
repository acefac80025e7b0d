"""A file per contender, with the pins of its environment beside it.

``python -m benchmarks.peers.contenders.NAME BOOTSTRAP TOPIC COUNT GROUP HANDLER`` reads and
handles that many tickets as a member of the group, commits, and prints one line of JSON:
``{"tickets": n, "seconds": s}``, from the first record received to the last one handled.
"""
