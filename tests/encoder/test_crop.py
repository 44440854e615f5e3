import numpy as np

from faceagent.encoder.crop import face_crop


def test_box_lands_centred_and_points_follow() -> None:
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[150:250, 250:350] = 255
    crop = face_crop(picture, (250, 150, 350, 250), size=130, scale=1.3)
    assert crop.pixels.shape == (130, 130, 3)
    np.testing.assert_allclose(crop.place(np.array([[250.0, 150], [350, 250]])), [[15, 15], [115, 115]])
    assert crop.pixels[65, 65].tolist() == [255] * 3
    assert crop.pixels[5, 5].tolist() == [0] * 3


def test_what_lies_outside_is_mirrored() -> None:
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 100, axis=0).repeat(3, axis=2)
    crop = face_crop(ramp, (0, 0, 100, 100), size=130, scale=1.3)
    assert crop.matrix[:, 2].tolist() == [15, 15]
    assert crop.pixels[60, 14, 0] == 1
    assert crop.pixels[60, 0, 0] == 15


def test_a_box_far_larger_than_its_picture_still_gives_a_crop() -> None:
    picture = np.full((3, 1, 3), 7, np.uint8)
    crop = face_crop(picture, (-40, -40, 40, 40), size=28)
    assert crop.pixels.shape == (28, 28, 3)
    assert set(np.unique(crop.pixels)) == {7}
