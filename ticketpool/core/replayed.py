"""Which letters of a partition have been replayed, in 4 kB beside a committed offset.

A replay by filter leaves letters out, so one offset can't tell what is done. The offset
committed is that of the first letter that is not; a bitmap beside it tells which of the
later ones are. It is compressed: long stretches cost next to nothing.
"""

import base64
import binascii
import zlib
from typing import Annotated

import msgspec

MOST_CHARACTERS = 3_500
"""Of the bitmap. Brokers take 4,096 bytes (``offset.metadata.max.bytes``)."""
_MOST_BYTES = 1 << 24  # of a bitmap that is read: anybody may commit anything


class _Memo(msgspec.Struct, frozen=True):
    base: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = msgspec.field(
        name="ticketpool_replayed"
    )
    bits: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Memo).decode


class Replayed:
    """The letters of one partition of a dead-letter topic that have been replayed.

    Attributes:
        low: the first offset that is not done; all before it are, or hold no letter.
    """

    def __init__(self, low: int = 0, memo: str = "") -> None:
        self.low = low
        self._base = low - low % 8
        self._bits = bytearray([(1 << low % 8) - 1])
        self._take(memo)

    def _take(self, memo: str) -> None:
        if not memo:
            return
        try:
            told, packed = _decode(memo), zlib.decompressobj()
            bits = packed.decompress(base64.b64decode(told.bits), _MOST_BYTES)
        except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, zlib.error):
            return  # not ours
        if told.base == self._base and packed.eof:
            self._bits = bytearray(bits) or self._bits
            self._bits[0] |= (1 << self.low % 8) - 1
            self._advance()

    def __contains__(self, offset: int) -> bool:
        if offset < self.low:
            return True
        byte, bit = divmod(offset - self._base, 8)
        return byte < len(self._bits) and bool(self._bits[byte] >> bit & 1)

    def add(self, offset: int) -> None:
        """The letter there is done, or there is none."""
        if offset < self.low:
            return
        byte, bit = divmod(offset - self._base, 8)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        self._bits[byte] |= 1 << bit
        self._advance()

    def pass_to(self, offset: int) -> None:
        """Nothing is to be done before ``offset``: what stood there is gone."""
        for at in range(self.low, min(offset, self._base + 8 * len(self._bits))):
            self.add(at)
        if offset > self.low:
            self.low, self._base = offset, offset - offset % 8
            self._bits = bytearray([(1 << offset % 8) - 1])

    def _advance(self) -> None:
        """Drop what is done from the beginning."""
        full = 0
        while full < len(self._bits) and self._bits[full] == 0xFF:
            full += 1
        if full:
            del self._bits[:full]
            self._base += 8 * full
            self._bits = self._bits or bytearray(1)
        self.low = self._base + (~self._bits[0] & (self._bits[0] + 1)).bit_length() - 1

    def memo(self) -> str:
        """The metadata to be committed beside ``low``; empty when nothing past it is done."""
        if len(self._bits) == 1 and self._bits[0] < 1 << (self.low - self._base):
            return ""
        return _encode(_Memo(self._base, self._packed())).decode()

    def _packed(self) -> str:
        return base64.b64encode(zlib.compress(self._bits, 9)).decode()

    @property
    def crowded(self) -> bool:
        """Whether the memo grows too long: what is done lies scattered among what is not."""
        return len(self._bits) * 4 > MOST_CHARACTERS * 3 and len(self._packed()) > MOST_CHARACTERS
