# SPDX-License-Identifier: Apache-2.0
"""Reads what the file exporter writes (docs/file-format.md), strictly: whatever is not whole is an error."""
import os
import struct

import otlp_oracle as oracle
import zstandard


def lines(data):
    """The lines of a file of JSON lines."""
    if data and not data.endswith(b"\n"):
        raise AssertionError(f"a torn line at the end: {data[-80:]!r}")
    return [line.decode("utf-8") for line in data.split(b"\n")[:-1]]


def frames(data):
    """The messages of a file with lengths."""
    found, at = [], 0
    while at < len(data):
        if len(data) - at < 4:
            raise AssertionError("a torn length at the end")
        (size,) = struct.unpack_from(">I", data, at)
        if size == 0 or size > len(data) - at - 4:
            raise AssertionError(f"a torn message at {at}: {size} bytes of {len(data) - at - 4}")
        found.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return found


def inflate(frame):
    """One zstd frame, which must be all there is."""
    stream = zstandard.ZstdDecompressor().decompressobj()
    data = stream.decompress(frame)
    if stream.unused_data:
        raise AssertionError("more than one zstd frame in a message")
    return data


def messages(path, format="json", compression="none"):
    """The messages of a file: text (json) or bytes (proto)."""
    with open(path, "rb") as file:
        data = file.read()
    if format == "json" and compression == "none":
        return lines(data)
    found = frames(data)
    if compression == "zstd":
        found = [inflate(frame) for frame in found]
    return [message.decode("utf-8") for message in found] if format == "json" else found


def size(path):
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def ids_in(message):
    """Every test.id of a decoded request, in order."""
    found = []

    def walk(node):
        for field, value in node.ListFields():
            if field.message_type is None:
                continue
            for item in value if field.label == field.LABEL_REPEATED else [value]:
                if field.message_type.name == "KeyValue" and item.key == "test.id":
                    found.append(item.value.string_value)
                walk(item)

    walk(message)
    return found


def ids_of_frames(signal, found):
    return [name for frame in found for name in ids_in(oracle.decode(signal, frame))]
