"""Tiny random models of the classes that the large recipes train, to test every step without a GPU.

A few hundred thousand parameters and a tokenizer of 256 bytes; classes, module names, processors and chat format are
those of the real checkpoints. Their answers are random.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from faceagent.encoder.torchvision_ops import declare_missing_operators

Family = Literal["qwen3_vl", "internvl"]

SIDE = 56
"""Picture side in px for these models."""
_TEXT: Mapping[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 8192,
}
_MARKS: Mapping[Family, Mapping[str, str]] = {
    "qwen3_vl": {
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
    },
    "internvl": {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    },
}
_PICTURE: Mapping[Family, str] = {
    "qwen3_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "internvl": "<IMG_CONTEXT>\n",
}
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tiny_model(family: Family, folder: Path, seed: int = 0) -> Path:
    """Write a random model of ``family`` with tokenizer and processor into ``folder``; returns the folder."""
    declare_missing_operators()
    import torch

    torch.manual_seed(seed)
    tokenizer = _tokenizer(family)
    model = (_qwen if family == "qwen3_vl" else _internvl)(tokenizer)
    model.generation_config.update(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None
    )
    model.save_pretrained(str(folder))
    (_qwen_processor if family == "qwen3_vl" else _internvl_processor)(tokenizer).save_pretrained(str(folder))
    return folder


def _tokenizer(family: Family) -> Any:
    """One token per byte, and the special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    core = Tokenizer(models.BPE(vocab=letters, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
        additional_special_tokens=["<|im_start|>"],
        extra_special_tokens=dict(_MARKS[family]),
        chat_template=_TEMPLATE.replace("PICTURE", _PICTURE[family]),
        model_max_length=_TEXT["max_position_embeddings"],
        clean_up_tokenization_spaces=False,
    )


def _rows(tokenizer: Any) -> int:
    return -(-len(tokenizer) // 64) * 64


def _qwen(tokenizer: Any) -> Any:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    ids = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in _MARKS["qwen3_vl"].items()}
    text = {
        **_TEXT,
        "vocab_size": _rows(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "rope_theta": 10000.0,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [4, 6, 6],
            "mrope_interleaved": True,
        },
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 4,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": _TEXT["hidden_size"],
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    return Qwen3VLForConditionalGeneration(
        Qwen3VLConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=ids["image_token"],
            video_token_id=ids["video_token"],
            vision_start_token_id=ids["vision_start_token"],
            vision_end_token_id=ids["vision_end_token"],
        )
    )


def _qwen_processor(tokenizer: Any) -> Any:
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    limits = {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}
    image = Qwen2VLImageProcessor(patch_size=14, temporal_patch_size=2, merge_size=2, size=limits)
    video = Qwen3VLVideoProcessor(patch_size=14, temporal_patch_size=2, merge_size=2)
    return Qwen3VLProcessor(image, tokenizer, video, chat_template=tokenizer.chat_template)


def _internvl(tokenizer: Any) -> Any:
    from transformers import InternVLConfig, InternVLForConditionalGeneration, InternVLVisionConfig, Qwen3Config

    text = Qwen3Config(**_TEXT, vocab_size=_rows(tokenizer), eos_token_id=tokenizer.eos_token_id)
    vision = InternVLVisionConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=[SIDE, SIDE],
        patch_size=[14, 14],
    )
    return InternVLForConditionalGeneration(
        InternVLConfig(
            vision_config=vision,
            text_config=text,
            image_token_id=tokenizer.convert_tokens_to_ids(_MARKS["internvl"]["context_image_token"]),
            image_seq_length=(SIDE // 14 // 2) ** 2,
            downsample_ratio=0.5,
        )
    )


def _internvl_processor(tokenizer: Any) -> Any:
    from transformers import GotOcr2ImageProcessor, InternVLProcessor, InternVLVideoProcessor

    image = GotOcr2ImageProcessor(
        size={"height": SIDE, "width": SIDE}, crop_to_patches=False, min_patches=1, max_patches=1
    )
    return InternVLProcessor(
        image,
        tokenizer,
        InternVLVideoProcessor(),
        image_seq_length=(SIDE // 14 // 2) ** 2,
        chat_template=tokenizer.chat_template,
    )
