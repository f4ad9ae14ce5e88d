"""Reads polarity events from AEDAT 3.1 files.

Format: iniVation, "AEDAT 3.1" (file format documentation): header lines that begin with `#`, closed by
`#!END-HEADER`, then packets of events of one type, everything little-endian. A packet has a header of 28 bytes: type
(16 bits), source (16), bytes per event, offset of the timestamp in an event, timestamp overflows, capacity, number of
events, and number of valid events (32 each). A polarity event is one word (bit 0 valid, bit 1 polarity, bits 2 to 16
row, bits 17 to 31 column) and a timestamp of 31 bits in microseconds.
"""

import struct
from pathlib import Path

import numpy as np

POLARITY = 1
PACKET_HEADER = struct.Struct("<hhiiiiii")
EVENT = np.dtype([("word", "<u4"), ("time", "<i4")])


class AedatError(ValueError):
    """A file that is no readable AEDAT 3.1."""


def read_aedat(path):
    """Valid polarity events of a file: times in microseconds (int64), columns, rows (uint16), polarities (bool)."""
    path = Path(path)
    data = path.read_bytes()
    place = skip_header(path, data)
    parts = []
    while place < len(data):
        if place + PACKET_HEADER.size > len(data):
            raise AedatError(f"{path}: the file ends within the packet header at byte {place}")
        kind, _, size, _, overflow, _, count, _ = PACKET_HEADER.unpack_from(data, place)
        start = place + PACKET_HEADER.size
        if size < 0 or count < 0 or start + size * count > len(data):
            raise AedatError(
                f"{path}: the packet at byte {place} says that it has {count} events of {size} bytes, "
                f"but {len(data) - start} bytes follow"
            )
        place = start + size * count
        if kind != POLARITY:
            continue
        if size != EVENT.itemsize:
            raise AedatError(f"{path}: polarity events of {size} bytes; they have {EVENT.itemsize} in AEDAT 3.1")
        events = np.frombuffer(data, EVENT, count, start)
        events = events[events["word"] & 1 == 1]
        parts.append((events["word"], events["time"].astype(np.int64) + (overflow << 31)))
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.uint16), np.empty(0, np.uint16), np.empty(0, bool)
    word, time = (np.concatenate(values) for values in zip(*parts))
    return time, (word >> 17).astype(np.uint16), (word >> 2 & 0x7FFF).astype(np.uint16), (word >> 1 & 1).astype(bool)


def skip_header(path, data):
    """The place of the first packet."""
    if not data.startswith(b"#!AER-DAT3.1"):
        raise AedatError(f"{path}: not an AEDAT 3.1 file, it begins with {data[:14]!r}")
    place = 0
    while data[place : place + 1] == b"#":
        end = data.find(b"\n", place) + 1
        if end == 0:
            break
        line, place = data[place:end], end
        if line.startswith(b"#!END-HEADER"):
            return place
    raise AedatError(f"{path}: the header has no line `#!END-HEADER`")
