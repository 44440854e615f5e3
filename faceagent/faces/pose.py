"""Head pose in degrees from the head transform: yaw, pitch and roll in the conventions of ``types``.

The angles order heads reliably and flip sign under mirroring; they are not calibrated degrees. Yaw saturates:
full profiles, where they have landmarks at all, read about 65.
"""

import numpy as np
from numpy.typing import NDArray

from faceagent.types import Pose


def head_pose(transform: NDArray[np.float64], turned: float = 0.0) -> Pose:
    """Pose of a 4×4 head transform, taken from a crop that had been turned upright by ``turned`` degrees.

    Yaw and pitch are relative to the head's own upright axis; roll is of the picture as it is, in (-180, 180].
    """
    columns = transform[:3, :3]
    rotation = columns / np.linalg.norm(columns, axis=0)
    pitch = np.arctan2(rotation[2, 1], rotation[2, 2])
    yaw = np.arctan2(-rotation[2, 0], np.hypot(rotation[2, 1], rotation[2, 2]))
    # Camera space has y up, pictures have y down, so the sign of a rotation is opposite.
    roll = turned - float(np.rad2deg(np.arctan2(rotation[1, 0], rotation[0, 0])))
    return rolled(Pose(yaw=float(np.rad2deg(yaw)), pitch=float(np.rad2deg(pitch)), roll=0.0), roll)


def rolled(pose: Pose, degrees: float) -> Pose:
    """The same head in a picture that is turned clockwise by ``degrees``; roll in (-180, 180]."""
    return Pose(yaw=pose.yaw, pitch=pose.pitch, roll=180.0 - (180.0 - pose.roll - degrees) % 360.0)
