"""What an analyst and its conversations share."""

from concurrent.futures import ThreadPoolExecutor

from faceagent import Analyst, Settings
from faceagent.agent.runtime import build_tools, map_each


def test_an_analyst_takes_the_tools_it_is_given_and_leaves_the_registered_ones_alone(settings: Settings) -> None:
    registered = build_tools(settings)
    with Analyst(settings, {"quality": registered["quality"]}) as analyst:
        assert list(analyst.runtime.tools) == ["quality"] and analyst.settings is settings
    assert list(build_tools(settings)) == list(registered) and len(registered) > 5


def test_results_come_in_the_order_of_the_items() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert map_each(pool, str, [3, 1, 2]) == ["3", "1", "2"]
        assert map_each(pool, str, [7]) == ["7"]
