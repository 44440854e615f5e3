"""Our vision transformer against timm's, token by token."""

from typing import Any

import pytest
import torch

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.vit import Shape, VisionTransformer

TIMM = {
    "vit_small_patch14_dinov2": Shape(patch=14, width=384, heads=6, epsilon=1e-6, clip=False, depth=3),
    "vit_base_patch16_clip_quickgelu_224": Shape(patch=16, width=768, heads=12, epsilon=1e-5, clip=True, depth=3),
}


@pytest.mark.parametrize("name", TIMM)
def test_every_token_is_timms(name: str) -> None:
    declare_missing_operators()
    import timm

    torch.manual_seed(0)
    theirs: Any = timm.create_model(name, img_size=224, num_classes=0, depth=3).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():  # positions and scales start at 0 and 1e-5, norms at 1
            parameter += 0.1 * torch.randn_like(parameter)
    ours = VisionTransformer(TIMM[name]).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        tokens = ours.stem(images)
        expected = theirs.norm_pre(theirs._pos_embed(theirs.patch_embed(images)))
        assert torch.equal(tokens, expected)
        for mine, block in zip(ours.blocks, theirs.blocks, strict=True):
            tokens, expected = mine(tokens), block(expected)
            assert torch.equal(tokens, expected)
        assert torch.equal(ours(images), theirs.forward_features(images))
