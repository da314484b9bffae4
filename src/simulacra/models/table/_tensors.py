"""Where networks compute, by what randomness, and their weights as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.randomness import Streams


@dataclass
class _Pins:
    """Who wants torch to use one thread, and how many it used before."""

    inside: int = 0
    before: int = 1
    lock: Lock = field(default_factory=Lock)


_PINS = _Pins()

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> torch.device:
    """Turn one of `DEVICES` into a device.

    Raises
    ------
    OptionError
        There is no such device here.
    """
    if name == "cpu":
        return torch.device("cpu")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise OptionError("no GPU that torch can use was found. Set device='auto' or 'cpu'.")
    return torch.device("cuda" if there else "cpu")


@contextmanager
def pinned() -> Iterator[None]:
    """Let torch use one thread, so that sums are taken in one order and bytes do not depend on the number of cores.

    The setting is one for the whole process: the last of several threads that are inside puts it back.
    """
    with _PINS.lock:
        if not _PINS.inside:
            _PINS.before = torch.get_num_threads()
        _PINS.inside += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _PINS.lock:
            _PINS.inside -= 1
            if not _PINS.inside:
                torch.set_num_threads(_PINS.before)


@contextmanager
def seeded(rng: Streams) -> Iterator[None]:
    """Let torch's own generator, by which layers are initialised, be one of a stream's; it is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(_seed(rng, "weights"))
        yield


def noise(rng: Streams, *names: str | int, device: torch.device) -> torch.Generator:
    """Make torch's generator of a stream."""
    found = torch.Generator(device)
    found.manual_seed(_seed(rng, *names))
    return found


def drop(values: Tensor, share: float, source: torch.Generator) -> Tensor:
    """Set a share of the values to zero and scale up the others (dropout), with randomness of one's own."""
    if not share:
        return values
    kept = torch.empty_like(values).bernoulli_(1 - share, generator=source)
    return values * kept / (1 - share)


def mixed(device: torch.device) -> AbstractContextManager[Any]:
    """Compute in bfloat16 where a GPU can; the weights stay as they are."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def dump_network(network: nn.Module) -> dict[str, Array]:
    """Return the weights as arrays of float32."""
    return {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}


def restore_network(network: nn.Module, state: Mapping[str, Array]) -> None:
    """Put weights that `dump_network` gave into a network of the same shape."""
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
    network.eval()


def _seed(rng: Streams, *names: str | int) -> int:
    return rng.key(*names) & (2**63 - 1)
