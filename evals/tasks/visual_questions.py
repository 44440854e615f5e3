"""Questions that only the picture answers, put to the vision-language model, and again with another person's picture.

A model that answers from habit does as well with the wrong picture. Greedy, through the product's own backend, with
the adapter for questions where the model runs in this process.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import need
from evals.metrics.arrays import Reals, mean_among, nanmean
from evals.metrics.bootstrap import Measurement
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.vlm import choose
from faceagent.vlm.chat_template import encode_png
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

ADAPTER = "vqa"
MAX_TOKENS = 4


def read(dataset: Dataset, tool: str) -> Cases:
    """Every question, with the picture that is shown in the wrong place."""
    del tool
    columns = [need(dataset, (name,), "visual_questions") for name in ("topic", "question", "answer", "swap")]
    cases = (
        Case(
            item.id,
            item.file,
            {name: item.labels[name] for name in columns[:3]},
            item.labels.get("subject") or item.id,
            (item.labels["swap"],),
        )
        for item in dataset.items
    )
    return Cases(tuple(cases))


def observe(runner: Runner, cases: Sequence[Case], backend: Backend | None = None) -> list[Values | Skip]:
    """Whether each answer is right, with its own picture and with another person's."""
    model = backend or choose.backend(runner.settings)
    adapter = ADAPTER if runner.settings.vlm_url is None else None
    found: list[Values | Skip] = []
    for case in cases:
        views = [runner.look(runner.root / file) for file in (case.file, *case.others)]
        missing = next((view for view in views if isinstance(view, Skip)), None)
        if missing is not None:
            found.append(missing._replace(id=case.id))
            continue
        pictures = [encode_png(view.pixels()) for view in views if not isinstance(view, Skip)]
        said = [_answer(model, str(case.truth["question"]), picture, adapter) for picture in pictures]
        right = [float(text == case.truth["answer"]) for text in said]
        found.append({"right": right[0], "right_with_another": right[1], "topic": str(case.truth["topic"])})
    return found


def _answer(model: Backend, question: str, picture: bytes, adapter: str | None) -> str:
    turn = Message(text=question, images=(picture,))
    return model.ask(GenerationRequest(turns=(turn,), adapter=adapter, max_tokens=MAX_TOKENS)).text.strip()


def measurement(table: CaseTable) -> Measurement:
    """Accuracy per topic and their mean, the same with another person's picture, and the gain of the right one."""
    right, other = table.numbers("right"), table.numbers("right_with_another")
    topics = np.array(table.words("topic"))
    names = sorted(set(topics.tolist()))

    def measure(weights: Reals) -> Mapping[str, Reals]:
        own = {name: mean_among(right, topics == name, weights) for name in names}
        wrong = {name: mean_among(other, topics == name, weights) for name in names}
        both = [nanmean(np.stack(list(found.values()))) for found in (own, wrong)]
        return {
            "accuracy": both[0],
            "accuracy_with_another_picture": both[1],
            "gain_of_the_right_picture": both[0] - both[1],
            **{f"accuracy.{name}": values for name, values in own.items()},
            **{f"accuracy_with_another_picture.{name}": values for name, values in wrong.items()},
        }

    return measure


def failures(table: CaseTable) -> Reals:
    """Questions that were answered wrongly beside the right picture."""
    return np.where(table.numbers("right") > 0, np.nan, 1.0)


TASK = EvalTask(
    name="visual_questions",
    title="Questions that only the picture answers",
    protocol="The vision-language model answers one question per picture, greedily; accuracy per topic and the mean "
    "over topics, and the same with another person's picture in its place.",
    tools=("vlm",),
    needs="topic, question, answer and swap (the other person's picture)",
    read=read,
    observe=observe,
    measurement=measurement,
    failures=failures,
    names=("accuracy", "accuracy_with_another_picture", "gain_of_the_right_picture"),
)
