"""A warm analyst in forked and spawned children of a parent that computes at that moment (decision 20)."""

import subprocess
import sys
from pathlib import Path

import pytest

FORK = """
import multiprocessing, threading, time
import cv2, skimage.data
from faceagent import Analyst, Settings
from faceagent.agent.runtime import build_tools

picture = skimage.data.astronaut()
ASK = {"questions": ["quality", "forgery"]}
analyst = Analyst(Settings(workers=WORKERS, threads=THREADS, explain="ledger"))

def labels():
    return [[one.label for one in report.verdicts] for report in analyst.analyze_many([picture, picture[:400]], **ASK)]

def child(queue):
    queue.put(labels())

def work():
    while not stop.is_set():
        labels()
        busy.set()

busy, stop = threading.Event(), threading.Event()

if __name__ == "__main__":
    cv2.setNumThreads(4)
    cv2.resize(picture, (3000, 3000))  # OpenCV's own pool is alive as well
    wanted = labels()
    worker = threading.Thread(target=work)
    worker.start()
    busy.wait()
    context = multiprocessing.get_context("METHOD")
    queue = context.Queue()
    children = [context.Process(target=child, args=(queue,)) for _ in range(CHILDREN)]
    for one in children:
        time.sleep(0.3)
        one.start()
    stop.set()
    worker.join()
    try:
        answers = [queue.get(timeout=200) for _ in children]
    finally:
        for one in children:
            one.join(10)
            one.kill()
    assert answers == [wanted] * CHILDREN, answers
    assert cv2.getNumThreads() == 4
    print("same answers")
"""


def run(tmp_path: Path, **values: object) -> None:
    text = FORK
    for name, value in values.items():
        text = text.replace(name, str(value))
    script = tmp_path / "host.py"
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0 and "same answers" in done.stdout, done.stderr


def test_children_forked_from_a_busy_warm_parent_give_the_same_answers(tmp_path: Path) -> None:
    run(tmp_path, METHOD="fork", WORKERS=2, THREADS=1, CHILDREN=1)


@pytest.mark.e2e
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_forked_and_spawned_children_with_one_worker(tmp_path: Path, method: str) -> None:
    run(tmp_path, METHOD=method, WORKERS=1, THREADS=1, CHILDREN=2)


@pytest.mark.e2e
def test_the_workers_of_a_data_loader_analyse_with_a_warm_module_level_analyst(tmp_path: Path) -> None:
    script = tmp_path / "loader.py"
    script.write_text(
        "import skimage.data\nfrom torch.utils.data import DataLoader\nfrom faceagent import analyze\n"
        "picture = skimage.data.astronaut()\n"
        "ask = {'questions': ['expression']}\n"
        "class Labels:\n"
        "    def __len__(self): return 4\n"
        "    def __getitem__(self, index): return analyze(picture, **ask).verdicts[0].label\n"
        "if __name__ == '__main__':\n"
        "    wanted = analyze(picture, **ask).verdicts[0].label\n"
        "    found = [one for batch in DataLoader(Labels(), batch_size=1, num_workers=2) for one in batch]\n"
        "    assert found == [wanted] * 4, found\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
