"""The blocks of a GIF up to the end of its first picture, and how many pictures follow."""

from struct import unpack_from

from faceagent.intake.headers import Header, TooMuch, counted

MOST_BLOCKS = 2**20
"""Sub-blocks; of the usual 255 bytes, a file of 64 MB has a quarter as many."""

_TRAILER = b"\x3b"


def read_gif(data: bytes) -> Header:
    """Raises ValueError when there is no complete first picture, TooMuch over a limit."""
    width, height, flags = unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames, parts, first_end, left = 0, 0, 0, MOST_BLOCKS
    while at < len(data) and data[at : at + 1] != _TRAILER:
        parts += 1
        counted(parts)
        if data[at] == 0x21:
            at, left = _blocks_end(data, at + 2, left)
        elif data[at] == 0x2C:
            local = data[at + 9]
            at, left = _blocks_end(data, at + 11 + (3 << (local & 7) + 1 if local & 0x80 else 0), left)
            frames += 1
            first_end = first_end or at
        else:
            break
        if at < 0:
            break
    if not first_end or first_end < 0:
        raise ValueError("the GIF has no complete picture in it")
    closed = 0 <= at < len(data) and data[at : at + 1] == _TRAILER
    return Header(
        width,
        height,
        frames=frames,
        end=at + 1 if closed else None,
        stream=data[:first_end] + _TRAILER,
    )


def _blocks_end(data: bytes, at: int, left: int) -> tuple[int, int]:
    """The offset behind a run of sub-blocks, or -1 when it is cut short; and how many more the file may have."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if size == 0:
            return at, left
        left -= 1
        if left < 0:
            raise TooMuch(f"it has more than {MOST_BLOCKS:,} blocks")
    return -1, left
