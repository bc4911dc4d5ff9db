"""PyTorch as a contestant: answers one JSON command per line of standard input with one JSON value per line.

{"about": {}}                  PyTorch's version, and what its BLAS says of itself
{"make": {...}, "file": PATH}  a module and a batch from the float32 values of a file: parameters, then the padded input
{"time": COUNT}                milliseconds of COUNT runs
{"output": PATH, "sequence": I}  writes the outputs of one sequence, padded, as float32 values
"""

import ctypes
import json
import sys
import time

import numpy
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

run = None


def make(kind, inputSize, hiddenSize, batch, steps, lengths, full, threads, file):
    torch.set_num_threads(threads)
    values = torch.from_numpy(numpy.fromfile(file, numpy.float32))
    module = getattr(torch.nn, kind)(inputSize, hiddenSize)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(values[: parameter.numel()].view_as(parameter))
            values = values[parameter.numel() :]
    data = values.view(steps, batch, inputSize)
    if not full:
        data = pack_padded_sequence(data, torch.tensor(lengths), enforce_sorted=False)
    return lambda: module(data)


def openblas():
    """What the OpenBLAS that is loaded says of itself, the processor that its kernels are for included; or None."""
    for line in open("/proc/self/maps"):
        if "openblas" in line:
            describe = getattr(ctypes.CDLL(line[line.index("/") :].strip()), "openblas_get_config", None)
            if describe:
                describe.restype = ctypes.c_char_p
                return describe().decode().strip()
    return None


def answer(command):
    global run
    if "about" in command:
        return {"version": torch.__version__, "blas": openblas()}
    if "make" in command:
        run = make(**command["make"])
        return None
    if "time" in command:
        started = time.perf_counter()
        for _ in range(command["time"]):
            run()
        return 1000 * (time.perf_counter() - started)
    output = run()[0]
    if isinstance(output, PackedSequence):
        output = pad_packed_sequence(output)[0]
    output[:, command["sequence"]].contiguous().numpy().tofile(command["output"])
    return None


with torch.inference_mode():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
