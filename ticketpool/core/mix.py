"""A number from a number, evenly spread: chance that every process can compute again."""

_MASK = 2**64 - 1


def mixed(n: int) -> int:
    """A 64-bit number that looks random, always the same for the same ``n``.

    The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom
    Number Generators", 2014), behind one step of its sequence.
    """
    z = (n * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
    return z ^ z >> 31


def fraction(n: int) -> float:
    """The same as a number from 0.0 to below 1.0."""
    return (mixed(n) >> 11) / (1 << 53)
