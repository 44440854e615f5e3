"""MiniFASNet from its PyTorch state to ONNX, by writing the graph from the names and shapes in the state.

Source of the architecture: Silent-Face-Anti-Spoofing (Minivision, Apache-2.0): a MobileFaceNet with pruned widths,
depthwise blocks, and in V1SE a squeeze-and-excitation step at the end of every stage. Batch norm is folded into the
convolution before it. This module knows the network; which crop it is fed stands in the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

Array = NDArray[np.float32]

EPSILON = 1e-5
SIDE = 80
OPSET = 17
IR_VERSION = 8


def to_onnx(source: Path, target: Path) -> None:
    """Write the network in ``source`` as ONNX: ``image`` N×3×80×80 float (BGR, 0-255) → ``logits`` N×3 float."""
    import torch

    state = torch.load(source, map_location="cpu", weights_only=True)
    weights = {
        name.removeprefix("module."): np.asarray(value.numpy(), dtype=np.float32) for name, value in state.items()
    }
    target.write_bytes(_network(weights))


@dataclass
class _Graph:
    """Nodes and constants written so far; every method appends one step and returns the name of its output."""

    weights: Mapping[str, Array]
    nodes: list["NodeProto"] = field(default_factory=list)
    constants: list["TensorProto"] = field(default_factory=list)

    def constant(self, value: Array) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name))
        return name

    def step(self, operator: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def scale(self, prefix: str) -> tuple[Array, Array]:
        """Batch norm ``prefix`` as y = gain * x + shift."""
        w = self.weights
        gain = w[f"{prefix}.weight"] / np.sqrt(w[f"{prefix}.running_var"] + EPSILON)
        return gain, w[f"{prefix}.bias"] - gain * w[f"{prefix}.running_mean"]

    def conv(self, x: str, weight: str, norm: str, *, stride: int = 1, pad: int = 0) -> str:
        kernel = self.weights[weight]
        gain, shift = self.scale(norm)
        # One input channel per group is how the state tells a depthwise convolution.
        groups = kernel.shape[0] if kernel.shape[1] == 1 else 1
        return self.step(
            "Conv",
            x,
            self.constant(kernel * gain[:, None, None, None]),
            self.constant(shift),
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            pads=[pad] * 4,
            group=groups,
        )

    def unit(self, x: str, prefix: str, *, stride: int = 1, pad: int = 0) -> str:
        """Convolution, batch norm, and PReLU where the state has one."""
        x = self.conv(x, f"{prefix}.conv.weight", f"{prefix}.bn", stride=stride, pad=pad)
        slope = self.weights.get(f"{prefix}.prelu.weight")
        return x if slope is None else self.step("PRelu", x, self.constant(slope[:, None, None]))

    def block(self, x: str, prefix: str, *, stride: int = 1) -> str:
        """Widen, depthwise 3×3, narrow."""
        x = self.unit(x, f"{prefix}.conv")
        x = self.unit(x, f"{prefix}.conv_dw", stride=stride, pad=1)
        return self.unit(x, f"{prefix}.project")

    def stage(self, x: str, prefix: str) -> str:
        """Residual blocks, as many as the state has; the last may weigh its channels first."""
        count = len({name.split(".")[2] for name in self.weights if name.startswith(f"{prefix}.model.")})
        for index in range(count):
            name = f"{prefix}.model.{index}"
            branch = self.block(x, name)
            if f"{name}.se_module.fc1.weight" in self.weights:
                branch = self.excite(branch, f"{name}.se_module")
            x = self.step("Add", x, branch)
        return x

    def excite(self, x: str, prefix: str) -> str:
        gate = self.step("GlobalAveragePool", x)
        gate = self.step("Relu", self.conv(gate, f"{prefix}.fc1.weight", f"{prefix}.bn1"))
        gate = self.step("Sigmoid", self.conv(gate, f"{prefix}.fc2.weight", f"{prefix}.bn2"))
        return self.step("Mul", x, gate)

    def classify(self, x: str) -> str:
        """Embedding with its batch norm folded in, then the three logits."""
        gain, shift = self.scale("bn")
        embed = self.constant(self.weights["linear.weight"] * gain[:, None])
        x = self.step("Gemm", self.step("Flatten", x), embed, self.constant(shift), transB=1)
        return self.step("Gemm", x, self.constant(self.weights["prob.weight"]), transB=1)


def _network(weights: Mapping[str, Array]) -> bytes:
    from onnx import TensorProto, checker, helper

    graph = _Graph(weights)
    x = graph.unit("image", "conv1", stride=2, pad=1)
    x = graph.unit(x, "conv2_dw", pad=1)
    for transition, stage in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
        x = graph.stage(graph.block(x, transition, stride=2), stage)
    x = graph.unit(graph.unit(x, "conv_6_sep"), "conv_6_dw")
    graph.nodes.append(helper.make_node("Identity", [graph.classify(x)], ["logits"]))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "minifasnet",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", weights["prob.weight"].shape[0]])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    model.ir_version = IR_VERSION
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
