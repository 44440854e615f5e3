import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evals.data import Case, Dataset, Item, catalog, open_dataset
from evals.data.columns import clustering, find, need, number
from evals.data.dataset import deduplicated, digest, track_columns
from evals.synthetic_data import write_labels
from evals.tasks import TASKS
from faceagent.errors import InputError, ModelUnavailable


def test_folder(messy_set, tmp_path):
    found = open_dataset(messy_set, export=tmp_path)
    assert [item.id for item in found.items] == sorted(item.id for item in found.items)
    assert found.columns == ("label", "mood")
    reasons = sorted(skip.reason for skip in found.skips)
    assert reasons == ["contradicting_rows"] * 2 + ["duplicate_row", "no_file", "outside", "outside"]
    assert not any(item.id == "c2.png" for item in found.items)


def test_order_of_rows_changes_nothing():
    rows = [Item("b", "b", {"label": "1"}), Item("a", "a", {"label": "0"}), Item("b", "b", {"label": "1"})]
    assert deduplicated(rows) == deduplicated(rows[::-1])
    assert [item.id for item in deduplicated(rows)[0]] == ["a", "b"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no description"),
        (lambda folder: (folder / "labels.csv").write_text("name,label\na.png,1\n"), "no column called 'file'"),
        (lambda folder: (folder / "labels.csv").write_text("file,label\n"), "has no rows"),
        (lambda folder: (folder / "labels.csv").write_text(""), "it has: nothing"),
        (lambda folder: (folder / "FF.json").write_text("{"), "is no JSON"),
        (lambda folder: (folder / "FF.json").write_text("{}"), "no video with frames"),
        (lambda folder: (folder / "pairs.csv").write_text("a,b\n1,2\n"), "does not say which pictures are paired"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, make, message):
    folder = tmp_path / "set"
    folder.mkdir()
    make(folder)
    with pytest.raises(InputError, match=message):
        open_dataset(folder, export=tmp_path / "export")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "describes no set"),
        ("pairs.csv", b"first,second\n\0,b.png\n", "is no text"),
        ("pairs.csv", b"first,second,label\n", "lists no pair"),
        ("pairs.txt", b"1 2\nAnn 1 2 3 4\n", "is no pair"),
        ("FF.json", b"\xff\xfe\x00", "is no JSON"),
        ("q.jsonl", b'{"text": "is it real?"}\n', "holds no labelled query. q.jsonl, line 00001.*group Field required"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(InputError, match=message):
        open_dataset(tmp_path / name, export=tmp_path / "export")


def test_several_descriptors_are_named(tmp_path):
    for name in ("FF.json", "DFDC.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="holds several descriptors. Give one of them: DFDC.json, FF.json"):
        open_dataset(tmp_path, export=tmp_path)


def test_tables_as_spreadsheets_write_them(tmp_path):
    path = tmp_path / "labels.csv"
    for text in (
        b"File;label\na.png;real\n",
        b"file\tlabel\textra\na.png\treal\n",
        b"\xef\xbb\xbffile,label\r\na.png, real\r\n",
    ):
        path.write_bytes(text)
        [item] = open_dataset(path, export=tmp_path).items
        assert (item.file, item.labels["label"]) == ("a.png", "real")
    path.write_bytes("file,label,note,\ncafé.png,real,é,x,y\n\nb.png\n".encode("cp1252"))
    found = open_dataset(tmp_path, export=tmp_path)
    assert found.columns == ("label", "note") and "Windows-1252" in found.notes[0]
    assert [item.file for item in found.items] == ["b.png", "café.png"] and found.items[0].labels["label"] == ""


def test_labels_that_were_looked_at_are_known():
    items = tuple(Item(name, name, {"a": "1", "b": "2", "c": "3"}) for name in "xy")
    made, seen = track_columns(Dataset("set", Path("."), ("a", "b", "c"), items))
    assert seen == set() and made.items[0].labels.get("a") == "1" and made.items[1].labels["b"] == "2"
    assert made.items[0].labels.get("d", "") == "" and seen == {"a", "b", "d"} and made.items[0] == items[0]


def test_named_benchmark_that_is_not_here_says_how_to_obtain_it(tmp_path):
    with pytest.raises(InputError, match="Fill in the form linked from github.com/yuezunli"):
        open_dataset(tmp_path / "Celeb-DF-v2", export=tmp_path)
    assert catalog.find("affectnet").name == "affectnet"
    assert catalog.find("FF++").name == "ffpp"
    assert catalog.find("holiday_pictures") is None


def test_every_benchmark_of_the_issue_is_catalogued():
    assert len(catalog.benchmarks()) == 20
    for entry in catalog.benchmarks().values():
        assert entry.protocol and entry.split and entry.metric and entry.licence and entry.obtain and entry.columns
        assert set(entry.tasks) <= set(TASKS)


def test_deepfakebench(tmp_path):
    frames = [f"videos/000/{number:03}.png" for number in range(100)]
    tree = {"FaceForensics++": {
        "FF-real": {"test": {"c23": {"000": {"label": "FF-real", "frames": frames}}}},
        "FF-DF": {"test": {"c23": {"000_003": {"label": "FF-DF", "frames": ["m\\0.png", "m\\1.png"]},
                                   "bad": {"label": "", "frames": ["x.png"]},
                                   "out": {"label": "FF-DF", "frames": ["../x.png"]}}}}}}  # fmt: skip
    (tmp_path / "FaceForensics++.json").write_text(json.dumps(tree))
    found = open_dataset(tmp_path, export=tmp_path, split="test")
    assert len(found.items) == 32 + 2
    real = found.items[-1]
    assert real.labels == {
        "label": "real",
        "source": "",
        "video": "FF-real/000",
        "split": "test",
        "compression": "c23",
    }
    assert found.items[0].file == "m/0.png" and found.items[0].labels["source"] == "FF-DF"
    assert {skip.reason for skip in found.skips} == {"missing_label", "outside"}
    elsewhere = open_dataset(tmp_path / "FaceForensics++.json", export=tmp_path, root=tmp_path / "frames")
    assert elsewhere.root == tmp_path / "frames" and len(elsewhere.items) == len(found.items)
    with pytest.raises(InputError, match="Its splits are: test"):
        open_dataset(tmp_path, export=tmp_path, split="train")


def test_pairs(tmp_path):
    (tmp_path / "pairs.txt").write_text("1\t2\nAnn 1 2\nBob 1 3\nAnn 1 Bob 2\nBob 1 Cy 1\n")
    found = open_dataset(tmp_path, export=tmp_path)
    same = next(item for item in found.items if item.file == "Ann/Ann_0001.jpg" and item.labels["label"] == "same")
    assert same.labels["second"] == "Ann/Ann_0002.jpg"
    assert sorted(item.labels["label"] for item in found.items) == ["different", "different", "same", "same"]
    (tmp_path / "pairs.txt").unlink()
    (tmp_path / "pairs.csv").write_text(
        "probe,reference,label\na.png,b.png,same\na.png,/etc/passwd,different\na.png,,same\n"
    )
    found = open_dataset(tmp_path, export=tmp_path)
    assert found.items[0].labels == {"label": "same", "second": "b.png"}
    assert [skip.reason for skip in found.skips] == ["outside", "no_file"]


def _picture_bytes(shade: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8, 3), shade, np.uint8))[1].tobytes()


@pytest.fixture
def hub_table(tmp_path):
    """Four rows with an Image column: bytes, a file on disk, bytes, and nothing."""
    datasets = pytest.importorskip("datasets")
    (tmp_path / "on_disk.png").write_bytes(_picture_bytes(200))
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["live", "spoof"]),
            "age": datasets.Value("int64"),
            "note": datasets.Value("string"),
        }
    )
    pictures = [
        {"bytes": _picture_bytes(10), "path": "a.png"},
        {"bytes": None, "path": str(tmp_path / "on_disk.png")},
        {"bytes": _picture_bytes(30), "path": None},
        None,
    ]
    rows = {"image": pictures, "label": [1, 0, 0, 1], "age": [4, None, 30, 5], "note": ["x", "", None, "y"]}
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.mark.parametrize("way", ["table", "splits", "parquet", "hub"])
def test_huggingface_dataset_with_an_image_column(hub_table, tmp_path, way):
    import datasets

    root = tmp_path / "set"
    if way == "table":
        hub_table.save_to_disk(root)
    elif way == "splits":
        datasets.DatasetDict({"test": hub_table}).save_to_disk(root)
    else:
        name = "part-0.parquet" if way == "parquet" else "data/test-00000-of-00001.parquet"
        (root / name).parent.mkdir(parents=True)
        hub_table.to_parquet(root / name)
    found = open_dataset(root, export=tmp_path / "export", split="test" if way in ("splits", "hub") else None)
    first, second, third = found.items
    assert (first.labels["label"], second.labels["label"]) == ("spoof", "live")
    assert first.labels["age"] == "4" and "age" not in second.labels and third.labels["age"] == "30"
    assert [(found.root / item.file).read_bytes() for item in found.items] == [
        _picture_bytes(shade) for shade in (10, 200, 30)
    ]
    assert [skip.reason for skip in found.skips] == ["no_picture"] and "Row 3" in found.skips[0].message


def test_huggingface_image_folder(tmp_path):
    pytest.importorskip("datasets")
    root = tmp_path / "set"
    root.mkdir()
    (root / "a.png").write_bytes(_picture_bytes(5))
    (root / "metadata.csv").write_text("file_name,label\na.png,live\n")
    [item] = (found := open_dataset(root, export=tmp_path / "export")).items
    assert item.labels["label"] == "live" and (found.root / item.file).read_bytes() == _picture_bytes(5)


def test_huggingface_dataset_without_pictures_says_so(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_dict({"label": ["a"]}).save_to_disk(tmp_path / "set")
    with pytest.raises(InputError, match="no column of pictures; its columns are: label"):
        open_dataset(tmp_path / "set", export=tmp_path / "export")


def test_huggingface_library_is_named_when_it_is_missing(tmp_path, monkeypatch):
    (tmp_path / "state.json").write_text("{}")
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(ModelUnavailable, match="datasets"):
        open_dataset(tmp_path, export=tmp_path / "export")


def test_layout_of_frll(tmp_path):
    rows = [
        {"file": f"{kind}_front/{number}_0.jpg", "set": f"{kind}_front"}
        for kind in ("neutral", "smiling")
        for number in ("003", "004")
    ]
    rows.append({"file": "canada/003f.jpg", "set": "canada"})
    found = open_dataset(write_labels(tmp_path, rows), export=tmp_path)
    by = {item.file: item.labels for item in found.items}
    assert by["smiling_front/003_0.jpg"]["subject"] == "003" and by["smiling_front/003_0.jpg"]["AU12"] == "1"
    assert by["neutral_front/003_0.jpg"]["split"] == "test" and by["neutral_front/004_0.jpg"]["split"] == "train"
    assert "subject" not in by["canada/003f.jpg"]


def test_columns(tmp_path):
    rows = [{"file": f"{number}.png", "Label": "live", "person": f"p{number % 3}"} for number in range(12)]
    found = open_dataset(write_labels(tmp_path, rows), export=tmp_path)
    assert find(found, ("label",)) == "Label"
    with pytest.raises(InputError, match="it has: Label, person"):
        need(found, ("emotion",), "expression")
    assert clustering(found)[0] is None and "only 3 values" in clustering(found)[1]
    assert number(Item("a", "a", {"x": "1.5"}), "x") == 1.5
    assert [number(Item("a", "a", {"x": text}), "x").reason for text in ("", "abc", "nan")] == [
        "missing_label",
        "unknown_label",
        "missing_label",
    ]


def test_digest_knows_pictures_and_labels_but_no_order(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    cases = [Case("a", "a", {"label": 1.0}, "a"), Case("b", "b", {"label": 0.0}, "b", ("a",))]
    first = digest(tmp_path, cases)
    assert first == digest(tmp_path, cases[::-1])
    assert first != digest(tmp_path, [cases[0]._replace(truth={"label": 0.0}), cases[1]])
    (tmp_path / "a").write_bytes(b"3")
    assert first != digest(tmp_path, cases)
    assert digest(tmp_path, [Case("gone", "gone", {}, "gone")])
