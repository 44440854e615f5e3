"""DINOv2 ViT-S/14 from its ONNX export to safetensors with timm's names.

The exporter kept most names; the matrices of the linear layers are anonymous and are recognised by the node that
multiplies with them. The position embedding is baked at the 16×16 grid of a 224 px picture exactly as the exported
graph resizes it (bilinear, scale 16.1/37): other ways of resizing move the output by up to 1.6 (of 15.6), so one
baked table is shared by everything that uses this tower.
"""

import re
from pathlib import Path

import numpy as np

WIDTH = 384
TABLE = 37
SCALE = 16.1 / TABLE

_MATRIX = re.compile(r"/blocks\.(\d+)/(attn/qkv|attn/proj|mlp/fc1|mlp/fc2)/MatMul")
_AFTER_ACTIVATION = re.compile(r"/blocks\.(\d+)/mlp/act")


def to_safetensors(source: Path, target: Path) -> None:
    """Write the 174 tensors of timm's ``vit_small_patch14_dinov2`` at 224 px, float32."""
    import onnx
    import torch
    from onnx import numpy_helper
    from safetensors.torch import save_file

    graph = onnx.load(str(source)).graph
    stored = {item.name: torch.from_numpy(np.array(numpy_helper.to_array(item))) for item in graph.initializer}
    state = {name.removeprefix("model."): value for name, value in stored.items() if name.startswith("model.")}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored:
            state[_linear(node.output[0], node.input[0])] = stored[node.input[1]].t()
    patches = next(value for value in stored.values() if value.shape == (1, TABLE * TABLE, WIDTH))
    grid = patches.reshape(1, TABLE, TABLE, WIDTH).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(
        grid, scale_factor=SCALE, mode="bilinear", align_corners=False, recompute_scale_factor=False
    )
    # The export has one tensor for the class token and for its position: they are equal in this model.
    first = state["cls_token"].reshape(1, 1, WIDTH)
    state["pos_embed"] = torch.cat([first, grid.flatten(2).transpose(1, 2)], dim=1)
    save_file({name: value.contiguous() for name, value in sorted(state.items())}, str(target))


def _linear(output: str, data: str) -> str:
    """The name in timm for the matrix of the node with this output, whose data input is ``data``."""
    named = _MATRIX.match(output)
    if named is not None:
        return f"blocks.{named[1]}.{named[2].replace('/', '.')}.weight"
    second = _AFTER_ACTIVATION.match(data)
    if second is None:
        raise ValueError(f"the export has an unknown matrix product {output!r}")
    return f"blocks.{second[1]}.mlp.fc2.weight"
