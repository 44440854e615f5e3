"""Sets that may not be trained on are refused."""

from pathlib import Path

import pytest

from faceagent.errors import InputError
from faceagent.settings import Settings
from finetune.data.sources import faces_of


def test_sets_for_evaluation_only_are_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(InputError, match="utkface"):
        faces_of("utkface_1k", {"utkface_1k": tmp_path}, tmp_path, settings)
