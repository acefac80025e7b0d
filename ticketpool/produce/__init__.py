"""The multiprocess producer: keyed tickets at an exact pace, in order per key."""
