"""``python -m finetune.data.mobilestylegan FOLDER --count 240``: generated faces for experiments.

MobileStyleGAN (Belousov 2021, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis") distils StyleGAN2; its weights learned from FFHQ, whose terms are non-commercial. Pictures are 512 px
JPEG, quality 96, one per seed. Needs the ``train`` extra (openvino).
Shipped weights do not learn from them: the set is not in ``evals.data.training_sets``.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from faceagent.settings import Settings, load
from faceagent.weights import locate

STYLE = 512
SIZE = 512


def generate(folder: Path, count: int, seed: int, settings: Settings) -> None:
    """Write ``count`` faces; truncation is drawn from .5 (typical) to 1 (varied) for each."""
    import openvino

    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": settings.threads})
    home = locate("mobilestylegan", settings).parent
    mapping = core.read_model(home / "MappingNetwork.xml")
    mapping.reshape([-1, STYLE])
    style_of = core.compile_model(mapping, "CPU")
    synthesis = core.compile_model(core.read_model(home / "SynthesisNetwork.xml"), "CPU")
    rng = np.random.default_rng(seed)

    def style() -> NDArray[np.float32]:
        return np.asarray(style_of(rng.standard_normal((1, STYLE)).astype(np.float32))[0])

    mean = np.mean([style() for _ in range(2000)], axis=0)
    folder.mkdir(parents=True, exist_ok=True)
    for index in track(range(count), description="MobileStyleGAN"):
        truncation = rng.uniform(0.5, 1.0)
        picture = synthesis(mean + truncation * (style() - mean))[0][0]
        pixels = np.clip((picture + 1) * 127.5 + 0.5, 0, 255).transpose(1, 2, 0).astype(np.uint8)
        small = cv2.resize(pixels[:, :, ::-1], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{index:04d}.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 96])


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.data.mobilestylegan", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    generate(options.folder, options.count, options.seed, load())


if __name__ == "__main__":
    main()
