"""ticketpool beside what one would otherwise take: ``python -m benchmarks.peers``.

benchmarks/README.md says what is compared, how, and what the numbers do not prove.
"""
