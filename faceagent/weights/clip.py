"""CLIP ViT-B/16's image tower from an ONNX file with int8 weights to safetensors with timm's names, in float32.

The file was quantised with onnxruntime's dynamic quantiser: every matrix has one scale per output column and zero
points of 0, everything else is float32. Its graph also quantises activations, by one scale for a whole batch, so a
picture's result would depend on its neighbours: the graph is not run, only its weights are read. The projection to
the space that CLIP shares with texts is left out; nothing here reads it.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import WeightsCorrupt

WIDTH, BLOCKS = 768, 12
_PROJECTION = "visual_projection.weight"
_NAMES = {
    "embeddings.class_embedding": "cls_token",
    "embeddings.position_embedding.weight": "pos_embed",
    "embeddings.patch_embedding.weight": "patch_embed.proj.weight",
    "pre_layrnorm.": "norm_pre.",
    "post_layernorm.": "norm.",
}
_IN_BLOCK = {
    "layer_norm1.": "norm1.",
    "layer_norm2.": "norm2.",
    "mlp.": "mlp.",
    "self_attn.out_proj.": "attn.proj.",
}
_BLOCK = re.compile(r"encoder\.layers\.(\d+)\.(.+)")


def to_safetensors(source: Path, target: Path) -> None:
    """Write the tensors of timm's ``vit_base_patch16_clip_quickgelu_224`` without its head, float32."""
    import torch
    from safetensors.torch import save_file

    state = timm_state(dequantised(source))
    save_file({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in sorted(state.items())}, target)


def dequantised(source: Path) -> dict[str, NDArray[np.float32]]:
    """The file's tensors under the names of Hugging Face's CLIPVisionModelWithProjection; matrices are out×in.

    Raises WeightsCorrupt for a file of another layout.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(source)).graph
    stored = {item.name: np.array(numpy_helper.to_array(item)) for item in graph.initializer}
    found = {name: value.astype(np.float32) for name, value in stored.items() if name.startswith("vision_model.")}
    try:
        for node in graph.node:
            if node.op_type == "MatMulInteger":
                base = node.input[1].removesuffix("_quantized")
                weight = stored[node.input[1]].astype(np.float32) - stored[f"{base}_zero_point"]
                name = node.name.strip("/").replace("/", ".").replace(".MatMul_quant", "")
                found[f"{name}.weight"] = (weight * stored[f"{base}_scale"]).astype(np.float32).T
    except KeyError as error:
        raise WeightsCorrupt(f"{source} lacks the tensor {error}.", remedy="Run `faceagent weights pull`.") from error
    return found


def timm_state(state: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The tensors under timm's names. Raises WeightsCorrupt when one is missing or unknown."""
    parts = {name.removeprefix("vision_model."): value for name, value in state.items() if name != _PROJECTION}
    found: dict[str, NDArray[np.float32]] = {}
    try:
        for name, value in parts.items():
            block = _BLOCK.match(name)
            if block is None:
                old = next(old for old in _NAMES if name.startswith(old))
                found[name.replace(old, _NAMES[old])] = value
            elif joined := re.match(r"self_attn\.q_proj\.(weight|bias)", block[2]):
                three = [parts[name.replace("q_proj", f"{one}_proj")] for one in "qkv"]
                found[f"blocks.{block[1]}.attn.qkv.{joined[1]}"] = np.concatenate(three)
            elif not re.match(r"self_attn\.[kv]_proj", block[2]):
                old = next(old for old in _IN_BLOCK if block[2].startswith(old))
                found[f"blocks.{block[1]}.{block[2].replace(old, _IN_BLOCK[old])}"] = value
        found["cls_token"] = found["cls_token"].reshape(1, 1, WIDTH)
        found["pos_embed"] = found["pos_embed"].reshape(1, -1, WIDTH)
    except (KeyError, StopIteration) as error:
        raise WeightsCorrupt(
            "The file is not CLIP ViT-B/16's image tower.", remedy="Run `faceagent weights pull`."
        ) from error
    return found
