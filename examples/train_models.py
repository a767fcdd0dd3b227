"""Trains the two models that the demonstration publishes, and writes them as ONNX with held-out samples.

    python examples/train_models.py [FOLDER]

`digits_cnn.onnx`     a small convolutional net for scikit-learn's bundled 8 x 8 digit images, trained here
in plain numpy.
                      Input `image` float32 [N, 1, 8, 8] with pixels 0..16, output `scores` [N, 10].
`credit_trees.onnx`   gradient-boosted trees for a made-up credit table (see `credit_table`).
                      Input `applicant` float32 [N, 8], outputs `label` (1: will default) and `probabilities`
                      [N, 2].

Each has a file `<model>_samples.npz` beside it with arrays `calibration`, `X` (held out) and `y`. Everything
comes from one seed, so a second run on the same library versions writes the same files.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_digits
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

SEED = 20_26
EPOCHS = 40
BATCH = 64
RATE = 2e-3
CALIBRATION = 200
OPSET = 17

FEATURES = (
    "age in years",
    "monthly income",
    "monthly debt payments over income",
    "share of credit lines in use",
    "late payments in two years",
    "years at the present employer",
    "loan amount over yearly income",
    "open accounts",
)

Array = np.ndarray


def patches(images: Array) -> Array:
    """3 x 3 neighbourhoods with zero padding: [N, C, H, W] -> [N, H, W, C * 9]."""
    n, c, h, w = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return cut.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def scatter(gradient: Array, channels: int) -> Array:
    """The transpose of `patches`: gradients of neighbourhoods back to pixels."""
    n, h, w, _ = gradient.shape
    cut = gradient.reshape(n, h, w, channels, 3, 3)
    padded = np.zeros((n, channels, h + 2, w + 2), gradient.dtype)
    for row in range(3):
        for column in range(3):
            padded[:, :, row : row + h, column : column + w] += cut[..., row, column].transpose(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1]


class DigitNet:
    """conv 3x3 (12) - relu - conv 3x3 (24) - relu - max pool 2 - dense 10."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.weights = {
            "conv1": self._normal(generator, 12, 9),
            "conv2": self._normal(generator, 24, 12 * 9),
            "dense": self._normal(generator, 10, 24 * 16),
        }
        self.biases = {name: np.zeros(len(weight)) for name, weight in self.weights.items()}
        self.moments = {
            name: [np.zeros(1), np.zeros(1)] for name in (*self.weights, *(f"{n}.b" for n in self.weights))
        }
        self.steps = 0

    @staticmethod
    def _normal(generator: np.random.Generator, rows: int, columns: int) -> Array:
        return generator.normal(0, np.sqrt(2 / columns), (rows, columns))

    def forward(self, images: Array) -> tuple[Array, tuple[Array, ...]]:
        """Scores, and what the backward pass needs."""
        first = patches(images / 16)
        one = np.maximum(first @ self.weights["conv1"].T + self.biases["conv1"], 0)
        second = patches(one.transpose(0, 3, 1, 2))
        two = np.maximum(second @ self.weights["conv2"].T + self.biases["conv2"], 0)
        n, h, w, c = two.shape
        blocks = (
            two.reshape(n, h // 2, 2, w // 2, 2, c)
            .transpose(0, 5, 1, 3, 2, 4)
            .reshape(n, c, h // 2, w // 2, 4)
        )
        pooled = blocks.max(-1)
        flat = pooled.reshape(n, -1)
        scores = flat @ self.weights["dense"].T + self.biases["dense"]
        return scores, (first, one, second, two, blocks, pooled, flat)

    def train(self, images: Array, labels: Array) -> None:
        """One step of Adam on the cross entropy of a batch."""
        scores, (first, one, second, two, blocks, pooled, flat) = self.forward(images)
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        shares[np.arange(len(labels)), labels] -= 1
        error = shares / len(labels)
        n, h, w, c = two.shape
        back = (error @ self.weights["dense"]).reshape(pooled.shape)
        won = blocks == pooled[..., None]
        spread = back[..., None] * won / won.sum(-1, keepdims=True)
        at_two = spread.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 2, 4, 3, 5, 1).reshape(two.shape) * (
            two > 0
        )
        at_one = scatter(at_two @ self.weights["conv2"], one.shape[-1]).transpose(0, 2, 3, 1) * (one > 0)
        self.steps += 1
        for name, delta, seen in (
            ("dense", error, flat),
            ("conv2", at_two, second),
            ("conv1", at_one, first),
        ):
            rows = delta.reshape(-1, delta.shape[-1])
            self._adam(self.weights[name], rows.T @ seen.reshape(-1, seen.shape[-1]), name)
            self._adam(self.biases[name], rows.sum(0), f"{name}.b")

    def _adam(self, value: Array, gradient: Array, name: str) -> None:
        mean, square = self.moments[name]
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        self.moments[name] = [mean, square]
        value -= RATE * (mean / (1 - 0.9**self.steps)) / (np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8)

    def to_onnx(self) -> onnx.ModelProto:
        """The net as ONNX, the division by 16 folded into the first layer."""
        tensors = {
            "conv1.weight": (self.weights["conv1"] / 16).reshape(12, 1, 3, 3),
            "conv1.bias": self.biases["conv1"],
            "conv2.weight": self.weights["conv2"].reshape(24, 12, 3, 3),
            "conv2.bias": self.biases["conv2"],
            "dense.weight": self.weights["dense"],
            "dense.bias": self.biases["dense"],
        }
        nodes = [
            helper.make_node(
                "Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], name="conv1", pads=[1, 1, 1, 1]
            ),
            helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
            helper.make_node(
                "Conv", ["r1", "conv2.weight", "conv2.bias"], ["c2"], name="conv2", pads=[1, 1, 1, 1]
            ),
            helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
            helper.make_node("MaxPool", ["r2"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Flatten", ["p"], ["f"], name="flatten"),
            helper.make_node("Gemm", ["f", "dense.weight", "dense.bias"], ["scores"], name="dense", transB=1),
        ]
        graph = helper.make_graph(
            nodes,
            "digits",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 10])],
            [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def credit_table(generator: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Made-up applicants and whether they default.

    Columns are FEATURES. The risk grows with debt, use of credit, late payments and loan size, falls with
    income and steady employment, and young applicants with large loans are riskier than either alone; a
    tenth of the outcome is chance.
    """
    age = generator.uniform(19, 78, rows)
    income = np.exp(generator.normal(8.0, 0.5, rows))
    debt = np.clip(generator.beta(2, 5, rows) + generator.normal(0, 0.05, rows), 0, 1.5)
    used = np.clip(generator.beta(1.5, 2.5, rows), 0, 1)
    late = generator.poisson(0.6, rows)
    employed = np.minimum(generator.exponential(6, rows), age - 18)
    loan = generator.gamma(2, 0.25, rows)
    accounts = generator.integers(1, 16, rows)
    risk = (
        -2.6
        + 3.2 * debt
        + 1.8 * used
        + 0.9 * late
        + 1.5 * loan
        - 0.9 * np.log(income / 3000)
        - 0.08 * employed
        + 1.6 * (age < 27) * (loan > 0.5)
    )
    defaults = generator.uniform(size=rows) < 1 / (1 + np.exp(-3 * risk))
    table = np.stack(
        [np.round(age), np.round(income), debt, used, late, np.round(employed, 1), loan, accounts], axis=1
    )
    return table.astype(np.float32), defaults.astype(np.int64)


def write(
    folder: Path, name: str, model: onnx.ModelProto, calibration: Array, held_out: Array, labels: Array
) -> None:
    """A model and its samples."""
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    np.savez_compressed(
        folder / f"{name}_samples.npz",
        calibration=calibration[:CALIBRATION],
        X=held_out,
        y=labels.astype(np.int64),
    )


def train_digits(folder: Path) -> float:
    """Trains, writes and scores the image model; returns its accuracy on held-out images."""
    generator = np.random.default_rng(SEED)
    data = load_digits()
    images = data.images.astype(np.float32)[:, None]
    train, test, train_labels, test_labels = train_test_split(
        images, data.target, test_size=0.3, random_state=SEED, stratify=data.target
    )
    net = DigitNet(generator)
    for _ in range(EPOCHS):
        order = generator.permutation(len(train))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            net.train(train[batch].astype(np.float64), train_labels[batch])
    scores, _ = net.forward(test.astype(np.float64))
    write(folder, "digits_cnn", net.to_onnx(), train, test, test_labels)
    return float((scores.argmax(1) == test_labels).mean())


def train_credit(folder: Path) -> float:
    """Trains, writes and scores the tree ensemble; returns its accuracy on held-out applicants."""
    generator = np.random.default_rng(SEED)
    table, defaults = credit_table(generator, 6_000)
    train, test, train_labels, test_labels = train_test_split(
        table, defaults, test_size=0.1, random_state=SEED
    )
    trees = GradientBoostingClassifier(n_estimators=80, max_depth=4, random_state=SEED).fit(
        train, train_labels
    )
    model = to_onnx(
        trees,
        initial_types=[("applicant", FloatTensorType([None, len(FEATURES)]))],
        options={id(trees): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    write(folder, "credit_trees", model, train, test, test_labels)
    return float(trees.score(test, test_labels))


def main() -> None:
    """Writes both models and prints what they score."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("models")
    folder.mkdir(parents=True, exist_ok=True)
    print(f"digits_cnn    accuracy {train_digits(folder):.2%} on held-out images")
    print(f"credit_trees  accuracy {train_credit(folder):.2%} on held-out applicants")


if __name__ == "__main__":
    main()
