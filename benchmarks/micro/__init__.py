"""What one record costs in each step of the hot path, without a broker.

Times are per record: a step is run over a batch and its clock divides by the batch.
What they do not prove: a rate. Caches are warm, nothing else runs in the process, and
librdkafka's own part (fetching, making and freeing messages) is left out; an end-to-end
rate is ``test_throughput.py``'s. On a busy machine believe the minimum alone, and only
beside another minimum of the same hour:
``pytest benchmarks/micro --benchmark-autosave``, change, ``--benchmark-compare``.
"""
