"""The embedded vision-language model, built on this machine from catalogued parts.

InternVL's architecture (Chen et al. 2024) at the smallest useful size: the detectors' own DINOv2 ViT-S/14, a two-layer
projector of ours, SmolLM2-135M-Instruct. Tower and language model are third-party weights from the catalogue; the
projector and the LoRA adapters were trained by us and are part of the package. The result is an ordinary Hugging Face
model folder that transformers and vLLM load. Knows nothing of questions or evidence.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.encoder.quiet import quiet_bars
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import Check, locate
from faceagent.weights.checksums import SUMS, verify_sums, write_sums
from faceagent.weights.store import locked, sha256_of

if TYPE_CHECKING:
    from torch import Tensor

TOWER, LANGUAGE = "dinov2_vits14_224", "smollm2_135m_instruct"
PROJECTOR = "projector.safetensors"
RECIPE = 1
"""Version of the build steps; a new number makes every installation build the folder again."""

IMAGE_TOKENS = 64
REINSTALL = "Install faceagent again."

SIZE = 224
"""px, both sides of the square picture the model takes."""

SPECIAL = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
ROWS = 49216
"""Embedding rows: 49152 of the language model, the four of ``SPECIAL``, padded to a multiple of 64."""

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<IMG_CONTEXT>\n{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""SmolLM2's ChatML with a placeholder for the picture."""


def weights_folder() -> Path:
    """The folder of our own weights: the projector and one folder per adapter."""
    return Path(str(resources.files("faceagent.vlm").joinpath("weights")))


def adapters() -> Mapping[str, Path]:
    """Our LoRA adapters of the embedded model by name, sorted; empty when this build ships none."""
    return {path.parent.name: path.parent for path in sorted(weights_folder().glob("*/adapter_config.json"))}


def model_folder(settings: Settings) -> Path:
    """The folder of the model, built on first use and kept in the cache.

    Raises ModelUnavailable when a part is unavailable or the package ships no projector, WeightsCorrupt, which names
    the file, when a byte of our weights or of the assembled model is not the one that was written.
    """
    projector = weights_folder() / PROJECTOR
    if not projector.is_file():
        raise ModelUnavailable(
            "This build of faceagent ships no projector for the embedded vision-language model.",
            remedy="Train one with `python -m finetune.vlm.embedded`; until then the ledger explains.",
        )
    verify_sums(weights_folder(), remedy=REINSTALL)
    parts = (locate(TOWER, settings), locate(LANGUAGE, settings), projector)
    folder = _assembled(settings, parts)
    if not (folder / SUMS).is_file():
        home = folder.parent
        home.mkdir(parents=True, exist_ok=True)
        with locked(home):
            if not (folder / SUMS).is_file():
                from safetensors.torch import load_file

                # A folder without hashes is of an older version; what is in it cannot be checked.
                shutil.rmtree(folder, ignore_errors=True)
                write_model_folder(folder, *parts[:2], load_file(projector))
    verify_sums(folder, remedy=f"Delete {folder}; it is assembled again when it is needed.")
    return folder


def _assembled(settings: Settings, parts: Sequence[Path]) -> Path:
    """The folder of the model that is assembled from these parts, whether it exists or not."""
    version = hashlib.sha256("".join([str(RECIPE), *map(sha256_of, parts)]).encode()).hexdigest()[:16]
    return settings.cache / "vlm" / version


def verify(settings: Settings) -> list[Check]:
    """Check our own weights of the model and, where it has been assembled on this machine, the assembled model."""
    checks = [_check("vlm_projector", weights_folder(), (PROJECTOR,), REINSTALL)]
    for name in adapters():
        files = (f"{name}/adapter_config.json", f"{name}/adapter_model.safetensors")
        checks.append(_check(f"vlm_adapter_{name}", weights_folder(), files, REINSTALL))
    for folder in sorted((settings.cache / "vlm").glob(f"*/{SUMS}")):
        remedy = f"Delete {folder.parent}; it is assembled again when it is needed."
        checks.append(_check(f"vlm_assembled_{folder.parent.name}", folder.parent, None, remedy))
    return checks


def _check(name: str, folder: Path, files: Sequence[str] | None, remedy: str) -> Check:
    try:
        verify_sums(folder, files, remedy=remedy)
    except WeightsCorrupt as error:
        return Check(name, "corrupt", None, str(error), error.remedy)
    return Check(name, "ok", folder / files[-1] if files else folder, "")


@quiet_bars()
def write_model_folder(
    folder: Path, tower: Path, language: Path, projector: "Mapping[str, Tensor] | None" = None
) -> None:
    """Write the model, its tokenizer and its processor into ``folder``, which appears complete or not at all.

    Args:
        folder: where to; must not exist.
        tower: timm's state of ``vit_small_patch14_dinov2`` at 224 px, safetensors.
        language: SmolLM2-135M-Instruct, GGUF.
        projector: state of ``InternVLMultiModalProjector``; None leaves it randomly initialised (seed 0), for training.
    """
    declare_missing_operators()
    from faceagent.encoder.torch_state import loading

    with loading(1):
        _write_model_folder(folder, tower, language, projector)


def _write_model_folder(folder: Path, tower: Path, language: Path, projector: "Mapping[str, Tensor] | None") -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, InternVLForConditionalGeneration

    text_model = AutoModelForCausalLM.from_pretrained(
        str(language.parent), gguf_file=language.name, dtype=torch.float32
    )
    tokenizer = _tokenizer(language)
    config = _config(text_model.config, tokenizer)
    torch.manual_seed(0)
    model = InternVLForConditionalGeneration(config)
    _load_language_model(model, text_model)
    model.model.vision_tower.load_state_dict(vision_state(load_file(tower)))
    if projector is not None:
        model.model.multi_modal_projector.load_state_dict(dict(projector))
    draft = folder.with_name(folder.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    model.generation_config.eos_token_id = config.text_config.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(str(draft))
    _processor(tokenizer).save_pretrained(str(draft))
    write_sums(draft, [path.name for path in draft.iterdir()])
    draft.rename(folder)


def _tokenizer(language: Path) -> Any:
    from transformers import AutoTokenizer

    # transformers reads the tokenizer from the GGUF; our four tokens are added as special tokens.
    tokenizer = AutoTokenizer.from_pretrained(
        str(language.parent), gguf_file=language.name, extra_special_tokens=dict(SPECIAL)
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.model_max_length = 8192
    return tokenizer


def _config(text: Any, tokenizer: Any) -> Any:
    from transformers import InternVLConfig, InternVLVisionConfig

    text.vocab_size = ROWS
    # The weights were dequantized on loading; with this entry saving would fail.
    text.__dict__.pop("quantization_config", None)
    text.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    vision = InternVLVisionConfig(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        intermediate_size=1536,
        attention_bias=True,
        use_qk_norm=False,
        hidden_act="gelu",
        norm_type="layer_norm",
        layer_norm_eps=1e-6,
        image_size=[SIZE, SIZE],
        patch_size=[14, 14],
        layer_scale_init_value=1.0,
        # False keeps the final LayerNorm, in vLLM too.
        use_mean_pooling=False,
    )
    return InternVLConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(SPECIAL["context_image_token"]),
        image_seq_length=IMAGE_TOKENS,
        downsample_ratio=0.5,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )


def _processor(tokenizer: Any) -> Any:
    from transformers import GotOcr2ImageProcessor, InternVLProcessor, InternVLVideoProcessor

    # One tile: the processor's default would split the face into several.
    image = GotOcr2ImageProcessor(
        size={"height": SIZE, "width": SIZE},
        crop_to_patches=False,
        min_patches=1,
        max_patches=1,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    return InternVLProcessor(
        image, tokenizer, InternVLVideoProcessor(), image_seq_length=IMAGE_TOKENS, chat_template=TEMPLATE
    )


def _load_language_model(model: Any, text_model: Any) -> None:
    """Copy the language model's weights; embedding rows of the new tokens are the mean of the old rows."""
    import torch

    state = text_model.model.state_dict()
    old = state["embed_tokens.weight"]
    fresh = old.mean(dim=0, keepdim=True).expand(ROWS - len(old), -1)
    state["embed_tokens.weight"] = torch.cat([old, fresh])
    model.model.language_model.load_state_dict(state)
    model.tie_weights()


def vision_state(timm: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """A timm ViT's tensors under the names of ``InternVLVisionModel``; the values stay the same."""
    named: dict[str, Tensor] = {
        "embeddings.cls_token": timm["cls_token"],
        "embeddings.position_embeddings": timm["pos_embed"],
        "embeddings.patch_embeddings.projection.weight": timm["patch_embed.proj.weight"],
        "embeddings.patch_embeddings.projection.bias": timm["patch_embed.proj.bias"],
        "layernorm.weight": timm["norm.weight"],
        "layernorm.bias": timm["norm.bias"],
    }
    for name, value in timm.items():
        if not name.startswith("blocks."):
            continue
        _, number, rest = name.split(".", 2)
        block = f"encoder.layer.{number}"
        if rest.startswith("attn.qkv."):
            kind = rest.rpartition(".")[2]
            for part, piece in zip("qkv", value.chunk(3), strict=True):
                named[f"{block}.attention.{part}_proj.{kind}"] = piece.contiguous()
        else:
            named[f"{block}.{_renamed(rest)}"] = value
    return named


def _renamed(rest: str) -> str:
    fixed = {"ls1.gamma": "lambda_1", "ls2.gamma": "lambda_2"}
    if rest in fixed:
        return fixed[rest]
    for old, new in (
        ("attn.proj.", "attention.projection_layer."),
        ("norm1.", "layernorm_before."),
        ("norm2.", "layernorm_after."),
    ):
        rest = rest.replace(old, new)
    return rest
