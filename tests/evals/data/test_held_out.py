"""The split that training and evaluation share."""

import zlib

from evals.data.held_out import held_out_files, is_held_out, may_train, person, source_of
from evals.data.training_sets import TRAINING_SETS


def test_a_person_is_read_from_the_file_name_where_the_set_has_it():
    assert person("muxspace_expressions", "Ann_Lee_0012.jpg") == "Ann_Lee"
    assert person("frll_london", "neutral_front/017_03.jpg") == "017"
    assert person("sfhq_tiles", "a_1.jpg") == "a_1.jpg" and person("another_set", "x.png") == "x.png"
    assert source_of("frll_london", "smiling_front/017_08.jpg") == "frll_london/017"


def test_one_source_in_ten_is_held_out_and_stays_so():
    sources = [f"fairface_train_4k/{number}.jpg" for number in range(4000)]
    held = [source for source in sources if is_held_out(source)]
    assert 0.08 < len(held) / len(sources) < 0.12
    assert held == [source for source in sources if zlib.crc32(source.encode()) % 100 < 10]


def test_pictures_of_one_person_lie_on_one_side():
    rows = [{"file": f"P{number}_{picture}.png"} for number in range(200) for picture in range(3)]
    held = held_out_files("muxspace_expressions", rows)
    assert held and all(f"{name.rpartition('_')[0]}_{picture}.png" in held for name in held for picture in range(3))


def test_test_people_of_frll_are_in_no_training_and_not_in_validation():
    rows = [{"file": f"neutral_front/{number:03}_03.jpg", "set": "neutral_front"} for number in range(300)]
    assert not may_train(rows[3]) and may_train(rows[4])
    assert not may_train({"file": "canada/004.jpg", "set": "canada"})
    held = held_out_files("frll_london", rows)
    assert held and all(int(name[14:17]) % 3 for name in held)
    assert set(TRAINING_SETS) >= {"frll_london", "muxspace_expressions"}
