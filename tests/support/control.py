# SPDX-License-Identifier: Apache-2.0
"""Asks the master on `control.sock`, by Google's protobuf for Python over proto/masques/control.proto, compiled into a
temporary directory at import."""
import atexit
import importlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ANSWER_S = 60.0  # generous
PACKET_BYTES = 1 << 18
SIGNAL_BITS = {"logs": 1 << 1, "metrics": 1 << 2, "traces": 1 << 3}
MODES = {"": 0, "live": 1, "durable": 2, "lossy": 3}
STARTS = {"last": 0, "now": 1, "oldest": 2}


def _compile():
    out = tempfile.mkdtemp(prefix="masques-control-")
    atexit.register(shutil.rmtree, out, True)
    proto = os.path.join(ROOT, "proto", "masques")
    files = [os.path.join(proto, name) for name in ("control.proto", "bus.proto")]
    subprocess.run(["protoc", "--proto_path=" + proto, "--python_out=" + out] + files, check=True)
    sys.path.insert(0, out)
    return importlib.import_module("control_pb2")


pb = _compile()


def connect(runtime):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(ANSWER_S)
    connection.connect(os.path.join(runtime, "control.sock"))
    return connection


def answer_of(connection):
    packet = connection.recv(PACKET_BYTES)
    if not packet:
        raise EOFError("closed without an answer")
    return pb.MasterAnswer.FromString(packet)


def ask(runtime, request):
    with connect(runtime) as connection:
        connection.sendall(request.SerializeToString())
        return answer_of(connection)


def where(runtime):
    request = pb.MasterRequest()
    request.where.SetInParent()
    return ask(runtime, request)


def reload(runtime):
    request = pb.MasterRequest()
    request.reload.SetInParent()
    return ask(runtime, request)


def attach_request(name, signals="logs", mode="durable", start="oldest", options=None, type=None):
    request = pb.MasterRequest()
    attach = request.attach
    attach.name = name
    attach.type = name.split("/")[0] if type is None else type
    attach.signals = sum(SIGNAL_BITS[word] for word in signals.split(",")) if signals else 0
    attach.mode = MODES.get(mode, mode)
    attach.start = STARTS.get(start, start)
    for path, value in (options or {}).items():
        attach.options.add(path=path, value=value)
    return request


def attach(runtime, name, **about):
    """The answer's error, "" when it is attached."""
    return ask(runtime, attach_request(name, **about)).error
