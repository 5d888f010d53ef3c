"""Writing BER-TLV: one tag, one length, one value, lengths computed and never pasted (card dossier §5.5, checklist VC-06)."""


def tlv(tag: int, *values: bytes) -> bytes:
    """The tag (one to three bytes, as an integer such as 0x5A or 0xBF8101) over the concatenated values."""
    value = b"".join(values)
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1) + length_field(len(value)) + value


def length_field(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size)


def unsigned_integer(value: int, *, width: int = 1) -> bytes:
    """An INTEGER of `width` value bytes at least, written as real cards do: no leading zero unless asked for."""
    return tlv(0x02, value.to_bytes(max(width, (value.bit_length() + 7) // 8)))
