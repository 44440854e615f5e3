"""Training examples from text samples, and plain text that preserves the language model.

The base model itself answers the plain questions before training; adapters are trained to keep those answers.
"""

import json
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evals.data.fingerprint import fingerprint
from faceagent.vlm.chat_template import END, decode_image, format_message, generation_prompt
from finetune.data.samples import TrainingSample, read_samples
from finetune.vlm.embedded.feature_bank import AT_A_TIME, encode_crops
from finetune.vlm.embedded.tokenize import TrainingExample

EVERY = {"label": 3, "beside": 2}
"""Every n-th label question is used: they are short, and explanations need more training."""
LONGEST_ANSWER = 24
"""Most tokens of a plain answer."""


def load_examples(file: Path, model: Any, cache: Path) -> list[TrainingExample]:
    """The training side of a sample file; picture features are computed once and cached in ``cache``."""
    samples = [one for one in read_samples(file) if not one.held_out]
    seen = _encoded_pictures(samples, file.parent, model, cache)
    count: Counter[str] = Counter()
    lessons = []
    for one in samples:
        engine = str(one.meta["engine"])
        if count[engine] % EVERY.get(engine, 1) == 0:
            picture = seen[one.images[0].path] if one.images else None
            lessons.append(TrainingExample(picture, [(one.prompt, one.answer)], one.system))
        count[engine] += 1
    return lessons


def plain_examples(tuned: Any, tokenizer: Any, memory: Path) -> list[TrainingExample]:
    """Everyday questions with the base model's greedy answers, cached in ``memory``; truncated ones are left out."""
    if not memory.is_file():
        memory.write_text(json.dumps(_base_answers(tuned, tokenizer)), encoding="utf-8")
    return [
        TrainingExample(None, [(question, said)]) for question, said in json.loads(memory.read_text(encoding="utf-8"))
    ]


def _base_answers(tuned: Any, tokenizer: Any) -> list[tuple[str, str]]:
    questions = resources.files("finetune.vlm.embedded").joinpath("plain.txt").read_text(encoding="utf-8").splitlines()
    end = tokenizer.convert_tokens_to_ids(END)
    made = []
    with tuned.disable_adapter(), torch.inference_mode():
        for question in questions:
            ids = tokenizer(format_message("user", question) + generation_prompt(), add_special_tokens=False)[
                "input_ids"
            ]
            said = tuned.get_base_model().generate(
                input_ids=torch.tensor([ids]), max_new_tokens=LONGEST_ANSWER, do_sample=False, eos_token_id=end
            )
            new = said[0, len(ids) :].tolist()
            if new[-1] == end:
                made.append((question, tokenizer.decode(new[:-1])))
    return made


def _encoded_pictures(samples: list[TrainingSample], folder: Path, model: Any, cache: Path) -> dict[str | None, Any]:
    paths = sorted({shot.path for one in samples for shot in one.images if shot.path})
    memory = cache / f"{fingerprint(paths)}.npy"
    if not memory.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        blocks = [paths[at : at + AT_A_TIME] for at in range(0, len(paths), AT_A_TIME)]
        rows = [
            encode_crops(model, [decode_image((folder / path).read_bytes()) for path in block])[0] for block in blocks
        ]
        np.save(memory, np.concatenate(rows))
    return dict(zip(paths, np.load(memory), strict=True))
