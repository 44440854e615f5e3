"""Linear fits on frozen features, standardised: ridge, softmax regression, discriminant; and folds by source."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Reals = NDArray[np.float64]

FOLDS = 5
LEAST = 1e-4
"""A feature with a smaller standard deviation in training is not scaled."""


@dataclass(frozen=True)
class LinearFit:
    """A linear map of standardised features.

    ``weight``: outputs×features, ``bias``: outputs, ``mean`` and ``spread``: features.
    """

    weight: Reals
    bias: Reals
    mean: Reals
    spread: Reals

    def __call__(self, features: NDArray[np.floating]) -> Reals:
        """N×features to N×outputs."""
        return np.asarray((features - self.mean) / self.spread @ self.weight.T + self.bias)


def fold_of(source: str) -> int:
    """The fold of a source, by a hash of its name."""
    return zlib.crc32(source.encode()) % FOLDS


def feature_scale(features: NDArray[np.floating]) -> tuple[Reals, Reals]:
    """Mean and standard deviation of every feature."""
    wide = np.asarray(features, dtype=np.float64)
    spread = wide.std(axis=0)
    return wide.mean(axis=0), np.where(spread < LEAST, 1.0, spread)


class Nuisance(NamedTuple):
    """What must not move an output: M×features differences between two looks at the same thing, and their weight.

    With weight 1 a difference costs as much as an error of the same size in a target.
    """

    differences: NDArray[np.floating]
    weight: float


def ridge(
    features: NDArray[np.floating],
    targets: Reals,
    strength: float,
    share: Reals | None = None,
    nuisance: Nuisance | None = None,
) -> LinearFit:
    """Ridge regression on N×features and N×outputs; ``share`` weights the rows (default: equally).

    ``strength`` is the penalty per feature and row, so that it means the same for one block and for four.
    ``nuisance`` penalises outputs that differ where they should be equal (tangent propagation, Simard 1992).
    """
    mean, spread = feature_scale(features)
    root = np.sqrt(np.ones(len(features)) if share is None else share * (len(share) / share.sum()))[:, np.newaxis]
    middle = (root**2 * targets).sum(axis=0) / (root**2).sum()
    x = root * ((features - mean) / spread)
    y = root * (targets - middle)
    if nuisance is not None:
        scale = np.sqrt(nuisance.weight * len(features) / len(nuisance.differences))
        x = np.concatenate([x, scale * nuisance.differences / spread])
        y = np.concatenate([y, np.zeros((len(nuisance.differences), y.shape[1]))])
    rows, columns = x.shape
    penalty = strength * columns
    if rows < columns:
        weight = x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(rows), y)
    else:
        weight = np.linalg.solve(x.T @ x + penalty * np.eye(columns), x.T @ y)
    return LinearFit(weight.T, middle, mean, spread)


def out_of_fold(
    features: NDArray[np.floating], targets: Reals, sources: Sequence[str], strength: float, share: Reals | None = None
) -> Reals:
    """N×outputs; every row by a fit without its fold."""
    fold = np.array([fold_of(source) for source in sources])
    found = np.zeros(targets.shape)
    for number in np.unique(fold):
        rest = fold != number
        fitted = ridge(features[rest], targets[rest], strength, None if share is None else share[rest])
        found[~rest] = fitted(features[~rest])
    return found


def softmax_regression(
    features: NDArray[np.floating], classes: NDArray[np.int64], count: int, strength: float, rounds: int = 80
) -> LinearFit:
    """Multinomial logistic regression on N×features and N class indices; one logit per class.

    Minimises mean cross-entropy plus ``strength`` times the sum of squared weights, by L-BFGS. With two classes the
    difference of their logits is the logit of the second.
    """
    mean, spread = feature_scale(features)
    x = torch.tensor((features - mean) / spread, dtype=torch.float32)
    y = torch.tensor(classes)
    weight, bias = (torch.zeros(shape, requires_grad=True) for shape in ((count, x.shape[1]), (count,)))
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=rounds, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimiser.zero_grad()
        found = functional.cross_entropy(x @ weight.T + bias, y) + strength * weight.square().sum()
        found.backward()
        return found.item()

    optimiser.step(loss)
    return LinearFit(weight.detach().double().numpy(), bias.detach().double().numpy(), mean, spread)


class Shrinkage(NamedTuple):
    """How little a discriminant trusts the spread that it sees.

    ``even``: weight of an even spread, in units of the mean variance within classes. ``apart``: how much more the
    differences between a class's groups count than those between its rows: directions in which groups differ say
    little of a class.
    """

    even: float
    apart: float


def discriminant(
    features: NDArray[np.floating],
    classes: NDArray[np.int64],
    count: int,
    shrinkage: Shrinkage,
    share: Reals,
    groups: NDArray[np.generic],
) -> LinearFit:
    """Linear discriminant with one covariance for all classes and equal priors; one logit per class.

    N×features, N class indices, N weights of the rows and N groups (such as the set a row is from). A class without
    rows has the bias -inf. Solved in the space of the rows, which are fewer than the features.
    """
    wide = np.asarray(features, dtype=np.float64)
    part = share / share.sum()
    mean = part @ wide
    spread = np.sqrt(part @ (wide - mean) ** 2)
    spread = np.where(spread < LEAST, 1.0, spread)
    x = (wide - mean) / spread
    centres = np.zeros((count, x.shape[1]))
    off: list[Reals] = []
    for one in np.unique(classes):
        rows = classes == one
        centres[one] = part[rows] @ x[rows] / part[rows].sum()
        off.append(np.sqrt(part[rows])[:, np.newaxis] * (x[rows] - centres[one]))
        for group in np.unique(groups[rows]):
            own = rows & (groups == group)
            weight = part[own].sum()
            middle = part[own] @ x[own] / weight
            off.append(np.sqrt(shrinkage.apart * weight) * (middle - centres[one])[np.newaxis])
    within = np.concatenate(off)
    even = shrinkage.even * float(np.square(within).sum()) / within.shape[1]
    inner = within @ within.T + even * np.eye(len(within))
    weights = (centres - np.linalg.solve(inner, within @ centres.T).T @ within) / even
    bias = np.where(np.isin(np.arange(count), classes), -0.5 * (centres * weights).sum(axis=1), -np.inf)
    return LinearFit(weights, bias, mean, spread)
