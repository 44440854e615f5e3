"""The stages of the large recipes, on tiny random models of the very same classes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from faceagent.errors import InputError
from finetune.data.samples import SamplePicture, TrainingSample, write_samples
from finetune.vlm.large.data import gather_samples, picture_opener, trl_dataset
from finetune.vlm.large.evaluate import greedy_answer
from finetune.vlm.large.model import load_adapter, load_model, load_processor
from finetune.vlm.large.preference import dpo
from finetune.vlm.large.recipe import VlmRecipe
from finetune.vlm.large.tiny_models import SIDE, build_tiny_model
from finetune.vlm.large.train import sft

# Libraries that warn about their own next release; what is ours still fails.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}
FAMILIES = ("qwen3_vl", "internvl")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Pictures of one colour each; the answer is its name, and cannot be had without looking."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    samples = []
    for number in range(40):
        name, other = ("red", "blue") if number % 2 else ("blue", "red")
        pixels = np.clip(np.array(COLOURS[name]) + rng.integers(-25, 25, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        samples.append(
            TrainingSample(
                id=f"c{number}",
                images=(SamplePicture(path=f"{number}.png"),),
                system="Look.",
                prompt="Colour?",
                answer=name,
                rejected=other,
                question="quality",
                source=f"made:{number}",
                seed=number,
                meta={"label": name},
            )
        )
    write_samples(samples, folder / "colours.jsonl")
    return folder


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    return {family: build_tiny_model(family, tmp_path_factory.mktemp(family)) for family in FAMILIES}


def recipe(base, family, **changes):
    def stage(kind, **more):
        return {
            "kind": kind,
            "data": ["colours.jsonl"],
            "lr": 5e-3,
            "epochs": 1,
            "batch": 4,
            "accumulate": 1,
            "warmup": 2,
            "check_every": 4,
            "shown": 2,
            "longest_answer": 6,
        } | more

    values = {
        "name": "t",
        "version": "0",
        "family": family,
        "base": str(base),
        "adapter": {"rank": 4, "dropout": 0.0},
        "checkpointing": False,
        "stages": [stage("alignment"), stage("instruction", epochs=3, lr=1e-2), stage("preference", lr=1e-3)],
    }
    return VlmRecipe.model_validate(values | changes)


def first_logits(model, processor, data):
    sample = next(one for one in gather_samples(data, ["colours.jsonl"])[1])
    text = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": sample.prompt}]}],
        add_generation_prompt=True,
    )
    batch = processor(images=[[picture_opener(data)(sample.images[0])]], text=[text], return_tensors="pt")
    batch["pixel_values"] = batch["pixel_values"].to(model.dtype)
    with torch.inference_mode():
        return model(**batch).logits[0, -1].float()


@pytest.mark.parametrize("family", FAMILIES)
def test_alignment_instruction_and_preference_end_to_end(bases, data, tmp_path, family):
    how = recipe(bases[family], family)
    before = load_model(bases[family], how, quantised=False).state_dict()

    aligned = sft(how, "alignment", data, tmp_path)
    after = load_model(aligned, how, quantised=False).state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed and all("merger" in name or "projector" in name for name in changed)

    adapter = sft(how, "instruction", data, tmp_path)
    processor = load_processor(aligned)
    model = load_adapter(load_model(aligned, how, quantised=False), adapter)
    assert len(model.peft_config) == 1 and {
        name.split(".")[-4] for name, _ in model.named_parameters() if "lora_A" in name
    } == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    on = first_logits(model, processor, data)
    with model.disable_adapter():
        off = first_logits(model, processor, data)
    assert (on - off).abs().max() > 0.01

    looks = [json.loads(line) for line in (tmp_path / "instruction" / "log.jsonl").read_text().splitlines()]
    assert looks[-1]["validation"]["loss"] < looks[0]["validation"]["loss"] - 0.2
    assert [look["step"] for look in looks] == sorted({look["step"] for look in looks})
    assert (tmp_path / "instruction" / "curves.png").is_file()
    said = [json.loads(line) for line in (tmp_path / "instruction" / "samples.jsonl").read_text().splitlines()]
    assert {"step", "id", "said", "wanted"} == set(said[0]) and len(said) == 2 * len(looks)
    card = json.loads((adapter / "training.json").read_text())
    assert card["samples"]["train"] + card["samples"]["validation"] == 40

    preferred = dpo(how, data, tmp_path)
    assert not (preferred / "ref").exists()
    tuned = load_adapter(load_model(aligned, how, quantised=False), preferred)
    assert (first_logits(tuned, processor, data) - on).abs().max() > 1e-3
    looks = [json.loads(line) for line in (tmp_path / "preference" / "log.jsonl").read_text().splitlines()]
    assert 0 <= looks[-1]["validation"]["preferred"] <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_qlora_trains_an_adapter_on_a_base_in_four_bits(bases, data, tmp_path, family):
    how = recipe(bases[family], family, quantise="nf4", checkpointing=True)
    how = how.model_copy(update={"stages": how.stages[1:2]})
    adapter = sft(how, "instruction", data, tmp_path)
    base = load_model(bases[family], how, quantised=True)
    layer = base.model.language_model.layers[0].self_attn.q_proj
    assert type(layer).__name__ == "Linear4bit" and layer.weight.dtype == torch.uint8
    assert type(base.lm_head).__name__ == "Linear"
    model = load_adapter(base, adapter)
    processor = load_processor(bases[family])
    on = first_logits(model, processor, data)
    with model.disable_adapter():
        assert (on - first_logits(model, processor, data)).abs().max() > 0.01


def test_the_picture_is_learnt_and_not_only_the_prompt(bases, data, tmp_path):
    how = recipe(bases["internvl"], "internvl")
    stages = (how.stages[0].model_copy(update={"epochs": 6.0}), how.stages[1].model_copy(update={"epochs": 4.0}))
    how = how.model_copy(update={"stages": stages})
    sft(how, "alignment", data, tmp_path)
    adapter = sft(how, "instruction", data, tmp_path)
    base = tmp_path / "alignment" / "base"
    model, processor = load_adapter(load_model(base, how, quantised=False), adapter), load_processor(base)
    held = gather_samples(data, ["colours.jsonl"])[1]
    said = [greedy_answer(model, processor, one, picture_opener(data), 6) for one in held]
    assert said == [one.answer for one in held] and len(set(said)) == 2


def test_an_interrupted_run_goes_on_and_ends_as_the_whole_one(bases, data, tmp_path, monkeypatch):
    from transformers import Trainer

    how = recipe(bases["internvl"], "internvl")
    how = how.model_copy(update={"stages": how.stages[1:2]})
    whole = sft(how, "instruction", data, tmp_path / "whole")

    step, steps = Trainer.training_step, []

    def stop(self, *arguments, **named):
        steps.append(1)
        if len(steps) == 7:
            raise KeyboardInterrupt
        return step(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "training_step", stop)
        with pytest.raises(KeyboardInterrupt):
            sft(how, "instruction", data, tmp_path / "cut")
    assert (tmp_path / "cut" / "instruction" / "checkpoint-4").is_dir()
    cut = sft(how, "instruction", data, tmp_path / "cut")
    logs = [(folder.parent / "log.jsonl").read_text().splitlines() for folder in (whole, cut)]
    assert [json.loads(line)["step"] for line in logs[0]] == [json.loads(line)["step"] for line in logs[1]]
    ends = [json.loads(log[-1])["validation"]["loss"] for log in logs]
    assert ends[0] == pytest.approx(ends[1], abs=1e-4)


def test_stages_out_of_order_are_refused(bases, data, tmp_path):
    how = recipe(bases["internvl"], "internvl")
    with pytest.raises(InputError, match="not aligned"):
        sft(how, "instruction", data, tmp_path)
    with pytest.raises(InputError, match="no adapter to go on from"):
        dpo(how, data, tmp_path)
    with pytest.raises(InputError, match="no stage 'preference'"):
        dpo(how.model_copy(update={"stages": how.stages[:2]}), data, tmp_path)


def test_data_that_cannot_be_trained_on_is_refused(data, tmp_path):
    train, _ = gather_samples(data, ["colours.jsonl"])
    with pytest.raises(InputError, match="no answer to reject"):
        trl_dataset([train[0].model_copy(update={"rejected": None})], picture_opener(data), preference=True)
    with pytest.raises(InputError, match="no answer to reject"):
        trl_dataset([train[0].model_copy(update={"rejected": train[0].answer})], picture_opener(data), preference=True)
    with pytest.raises(InputError, match="outside the data folder"):
        picture_opener(data)(SamplePicture(path="../secret.png"))
    with pytest.raises(InputError, match="cannot be read"):
        picture_opener(data)(SamplePicture(path="none.png"))
    with pytest.raises(InputError, match="only the maker 'splice'"):
        picture_opener(data)(SamplePicture(maker="splice"))
