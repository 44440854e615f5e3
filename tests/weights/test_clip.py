"""CLIP's image tower recovered from int8 weights: equal to the same graph in float, and strict about what it reads."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from faceagent.encoder.tower import CLIP, load_tower
from faceagent.errors import WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import locate
from faceagent.weights.clip import dequantised, timm_state, to_safetensors


def floating(source: Path) -> bytes:
    """The export's graph with float matrices in place of its integer products, everything else as it is."""
    model = onnx.load(str(source))
    graph = model.graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    read_by = {name: node for node in graph.node for name in node.input}
    kept, gone = [], set()
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            base = node.input[1].removesuffix("_quantized")
            cast = read_by[node.output[0]]
            scaled = read_by[cast.output[0]]
            (scale,) = (name for name in scaled.input if name != cast.output[0])
            gone |= {one.name for one in (made_by[node.input[0]], made_by[scale], cast, scaled)}
            weight = (stored[node.input[1]].astype(np.float32) - stored[f"{base}_zero_point"]) * stored[f"{base}_scale"]
            graph.initializer.append(numpy_helper.from_array(weight.astype(np.float32), f"{base}_float"))
            data = made_by[node.input[0]].input[0]
            kept.append(onnx.helper.make_node("MatMul", [data, f"{base}_float"], [scaled.output[0]], name=node.name))
        else:
            kept.append(node)
    nodes = [node for node in kept if node.name not in gone]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def test_the_recovered_tower_equals_the_exports_graph_in_float(settings: Settings) -> None:
    source = locate("clip_vitb16_int8", settings)
    images = np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(floating(source), options, providers=["CPUExecutionProvider"])
    embedding, tokens = session.run(None, {"pixel_values": images})
    tower = load_tower(settings, CLIP)
    with torch.inference_mode():
        *_, (depth, found) = tower.steps(torch.from_numpy(images), 12)
        feature = tower.backbone.finish(found)[:, 0]
    assert depth == 12 and np.abs(tokens).max() > 10
    assert np.abs(found.numpy() - tokens).max() < 5e-3
    projection = dequantised(source)["visual_projection.weight"]
    assert np.abs(feature.numpy() @ projection.T - embedding).max() < 1e-3


def test_what_is_no_clip_tower_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="not CLIP"):
        to_safetensors(locate("yunet", settings), tmp_path / "out.safetensors")
    with pytest.raises(WeightsCorrupt, match="not CLIP"):
        timm_state({"vision_model.encoder.layers.0.self_attn.q_proj.bias": np.zeros(768, np.float32)})
