import pytest

from faceagent.errors import RegistryError
from faceagent.registry import Registry


def test_gets_what_was_added_lazily() -> None:
    registry: Registry[object] = Registry("thing")
    registry.add("decode", "json:loads")
    registry.add("absent", "no_such_module:thing")
    import json

    assert registry.get("decode") is json.loads
    assert registry.names() == ("decode", "absent")


def test_collision_is_loud_and_repetition_harmless() -> None:
    registry: Registry[object] = Registry("thing")
    registry.add("a", "json:loads")
    registry.add("a", "json:loads")
    with pytest.raises(RegistryError, match=r"two things called 'a'"):
        registry.add("a", "json:dumps")


def test_misspelling_gets_a_suggestion() -> None:
    registry: Registry[object] = Registry("thing")
    registry.add("expression", "json:loads")
    with pytest.raises(RegistryError, match="Did you mean 'expression'"):
        registry.get("expresion")


def test_nothing_is_added_after_the_freeze() -> None:
    registry: Registry[object] = Registry("thing")
    registry.freeze()
    registry.freeze()
    with pytest.raises(RegistryError, match="frozen"):
        registry.add("late", "json:loads")


@pytest.mark.parametrize("target", ["json", "json:", ":loads", ""])
def test_malformed_target_is_refused(target: str) -> None:
    registry: Registry[object] = Registry("thing")
    with pytest.raises(RegistryError, match="module:object"):
        registry.add("bad", target)
