"""How fast the vision-language model is: ``python -m evals.benchmarks.vlm [--rounds N]`` prints one table.

The embedded model with its shipped adapters, in this process and behind a vLLM that is started for the occasion
(``faceagent vlm setup`` comes first). Ratios are taken within one run; absolute times hold for this machine and what
else ran on it, so its load is printed too. No figure here decides a test.
"""

import argparse
import contextlib
import os
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from rich.console import Console
from rich.table import Table

from evals.benchmarks.pictures import demo_picture
from faceagent import Analyst
from faceagent.settings import Settings, load
from faceagent.vlm import server
from faceagent.vlm.chat_template import encode_png
from faceagent.vlm.embedded_model import SIZE
from faceagent.vlm.http_client import HttpClient
from faceagent.vlm.openai_backend import OpenAIBackend
from faceagent.vlm.protocol import Backend, GenerationRequest, Message
from faceagent.vlm.transformers_backend import embedded_backend

WIDTHS = (1, 4, 8, 16)
"""Requests at a time."""
PATIENCE = 600.0
"""Seconds for one request; a benchmark is no place to give up."""
Row = tuple[str, str, str]


class Pictures:
    """Pictures that no server has seen, one after the other, the same ones in every run."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def next(self) -> bytes:
        """PNG of noise at the model's size: what is in a picture does not change the time."""
        return encode_png(self._random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8))


def question(picture: bytes, text: str, tokens: int) -> GenerationRequest:
    """A question that is answered at length."""
    return GenerationRequest(turns=(Message(text=text, images=(picture,)),), max_tokens=tokens)


def speed(backend: Backend, pictures: Pictures, width: int, tokens: int) -> float:
    """Tokens per second over ``width`` questions asked at once, each on a new picture."""
    asks = [question(pictures.next(), "Tell a long story about this picture.", tokens) for _ in range(width)]
    start = time.perf_counter()
    with ThreadPoolExecutor(width) as pool:
        written = sum(answer.tokens for answer in pool.map(backend.ask, asks))
    return written / (time.perf_counter() - start)


def first_token(backend: Backend, ask: GenerationRequest) -> float:
    """Seconds until the first piece of the answer."""
    start = time.perf_counter()
    stream = backend.stream(ask)
    next(stream)
    taken = time.perf_counter() - start
    # Read to the end, so that the next measurement has the server for itself.
    for _ in stream:
        pass
    return taken


def second_question(backend: Backend, pictures: Pictures) -> tuple[float, float]:
    """Time to the first token of two different questions on one new picture."""
    picture = pictures.next()
    texts = "Is the person smiling? Answer yes or no.", "Which way does the head turn? Answer left, right or front."
    before, after = (first_token(backend, question(picture, text, 2)) for text in texts)
    return before, after


def served(settings: Settings, rounds: int, tokens: int) -> Iterator[Row]:
    """The figures of a vLLM that is started here and stopped again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    state = server.start(settings, port, step=lambda _: None)
    remote = OpenAIBackend(HttpClient(state.url, settings.vlm_key, PATIENCE, 0))
    try:
        pictures = Pictures()
        speed(remote, pictures, 1, 4)
        found = {
            width: statistics.median(speed(remote, pictures, width, tokens) for _ in range(rounds)) for width in WIDTHS
        }
        for width, value in found.items():
            bar = "≥ 3.5" if width == 8 else ""
            yield f"vLLM, {width} at a time: tokens/s, times one", f"{value:.1f}  {value / found[1]:.2f} x", bar
        pairs = [second_question(remote, pictures) for _ in range(4 * rounds)]
        before, after = (statistics.median(values) for values in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        yield "first token, new picture / same picture", f"{before:.2f} s / {after:.2f} s  {ratio:.2f} x", "≥ 1.5"
    finally:
        remote.close()
        server.end(settings, state)


def in_process(settings: Settings, rounds: int, tokens: int) -> Iterator[Row]:
    """The figures of the model in this process, and of the product that asks it."""
    with contextlib.closing(embedded_backend(settings)) as backend:
        pictures = Pictures()
        speed(backend, pictures, 1, 4)
        value = statistics.median(speed(backend, pictures, 1, tokens) for _ in range(rounds))
    yield "in this process: tokens/s", f"{value:.1f}", ""
    taken = []
    with Analyst(settings) as analyst:
        for number in range(1 + rounds):
            picture = demo_picture(number)
            start = time.perf_counter()
            report = analyst.analyze(picture, explain="vlm")
            taken.append(time.perf_counter() - start)
    voices = sorted({one.author for one in report.explanations})
    yield "analyze with explanations, one face, cold", f"{taken[0]:.1f} s", ""
    yield f"  warm ({', '.join(voices)})", f"{statistics.median(taken[1:]):.1f} s", "≤ 20 s"


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.vlm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=64, help="of one answer")
    options = parser.parse_args(arguments)
    settings = load(vlm_endpoint=None, profile="embedded")
    before = os.getloadavg()[0]
    view = Table("figure", "measured", "aim", title=f"The embedded vision-language model, {os.cpu_count()} cores")
    for part in (in_process, served):
        for row in part(settings, options.rounds, options.tokens):
            view.add_row(*row)
    Console().print(view)
    Console().print(f"Load of the machine before: {before:.1f}.")


if __name__ == "__main__":
    main()
