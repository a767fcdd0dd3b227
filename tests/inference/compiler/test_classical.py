"""Classical models: exported by skl2onnx where it can, built by hand where variants are rare."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import inference
from inference.compiler import UnsupportedModel, compile_model
from inference.compiler.errors import InvalidModel
from tests.inference.compiler.building import check, float_outputs, model, node, numbers

IRIS = load_iris()
FEATURES = IRIS.data.astype(np.float32)
ML = "ai.onnx.ml"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def rows(count: int = 150) -> list[dict[str, np.ndarray]]:
    return [{"X": row.reshape(1, -1)} for row in FEATURES[:: 150 // count]]


def exported(estimator: Any, target: np.ndarray, **options: Any) -> bytes:
    estimator.fit(FEATURES, target)
    chosen = {id(estimator): options} if options else None
    content: bytes = to_onnx(
        estimator, FEATURES[:1], options=chosen, target_opset={"": 17, ML: 3}
    ).SerializeToString()
    return content


BINARY = (IRIS.target > 0).astype(np.int64)

CLASSIFIERS = [
    (LogisticRegression(max_iter=500), IRIS.target),
    (LogisticRegression(max_iter=500), BINARY),
    (make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), IRIS.target),
    (make_pipeline(Normalizer("l1"), LogisticRegression(max_iter=500)), IRIS.target),
    (make_pipeline(Normalizer("l2"), LogisticRegression(max_iter=500)), IRIS.target),
    (make_pipeline(Normalizer("max"), LogisticRegression(max_iter=500)), IRIS.target),
    (DecisionTreeClassifier(random_state=0), IRIS.target),
    (DecisionTreeClassifier(random_state=0), BINARY),
    (RandomForestClassifier(8, random_state=0), IRIS.target),
    (RandomForestClassifier(8, random_state=0), BINARY),
    (GradientBoostingClassifier(n_estimators=6, random_state=0), IRIS.target),
    (GradientBoostingClassifier(n_estimators=6, random_state=0), BINARY),
]


@pytest.mark.parametrize(("estimator", "target"), CLASSIFIERS)
def test_classifiers_give_the_labels_and_probabilities_of_their_float_model(
    estimator: Any, target: np.ndarray
) -> None:
    artifact = check(exported(estimator, target, zipmap=False), rows(50), 2e-3)
    assert all(entry.agreement == 1.0 for entry in artifact.report.calibration)


def test_a_zip_map_is_removed() -> None:
    artifact = compile_model(exported(LogisticRegression(max_iter=500), IRIS.target), rows(30))
    assert [output.name for output in artifact.program.outputs] == ["output_label", "output_probability"]


def test_text_labels_become_indices_with_their_names_in_the_metadata() -> None:
    names = np.array(["rose", "lily", "iris"])[IRIS.target]
    content = exported(LogisticRegression(max_iter=500), names, zipmap=False)
    artifact = compile_model(content, rows(30))
    assert dict(artifact.program.metadata)["classes:label"] == '["iris", "lily", "rose"]'
    label = inference.load(artifact.to_bytes()).run(rows(30)[0])["label"]
    assert int(np.asarray(label)[0]) == 2


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        RandomForestRegressor(8, random_state=0),
        SVR(),
        SVR(kernel="poly", degree=2),
        SVR(kernel="sigmoid"),
        SVR(kernel="linear"),
    ],
)
def test_regressors_are_within_a_thousandth(estimator: Any) -> None:
    check(exported(estimator, FEATURES[:, 0] * 2 - FEATURES[:, 1]), rows(50), 1e-3)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
@pytest.mark.parametrize("target", [IRIS.target, BINARY])
def test_support_vector_classifiers(kernel: str, target: np.ndarray) -> None:
    artifact = compile_model(exported(SVC(kernel=kernel), target, zipmap=False), rows(50))
    assert artifact.report.calibration[0].agreement == 1.0


def tree(op: str = "TreeEnsembleRegressor", mode: str = "BRANCH_LEQ", **changes: Any) -> bytes:
    attributes: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_modes": [mode, "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
        "n_targets": 1,
    }
    attributes.update(changes)
    return model([node(op, ["X"], domain=ML, **attributes)], {"X": [1, 2]})


@pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"])
def test_every_branch_rule_decides_exactly_at_the_threshold(mode: str) -> None:
    points = np.float32(
        [
            0.5,
            np.nextafter(np.float32(0.5), np.float32(0)),
            np.nextafter(np.float32(0.5), np.float32(1)),
            0,
            1,
            -9,
            9,
        ]
    )
    samples = [{"X": np.float32([[value, 0]])} for value in points]
    check(tree(mode=mode, base_values=[0.25]), samples, 1e-6)


def test_averages_and_constant_trees() -> None:
    check(
        tree(aggregate_function="AVERAGE"),
        [{"X": np.float32([[0.2, 0]])}, {"X": np.float32([[0.7, 0]])}],
        1e-6,
    )
    leaf = {
        "nodes_treeids": [0],
        "nodes_nodeids": [0],
        "nodes_featureids": [0],
        "nodes_values": [0.0],
        "nodes_modes": ["LEAF"],
        "nodes_truenodeids": [0],
        "nodes_falsenodeids": [0],
        "target_treeids": [0],
        "target_nodeids": [0],
        "target_ids": [0],
        "target_weights": [3.0],
    }
    check(tree(**leaf), [{"X": np.float32([[0.2, 0]])}], 1e-6)


def test_the_tree_ensemble_of_version_five_is_understood() -> None:
    def tensor(values: Any, dtype: Any) -> Any:
        return numpy_helper.from_array(np.asarray(values, dtype=dtype))

    attributes = {
        "tree_roots": [0],
        "n_targets": 1,
        "aggregate_function": 1,
        "post_transform": 0,
        "nodes_featureids": [0, 1],
        "nodes_splits": tensor([0.5, 0.25], np.float32),
        "nodes_modes": tensor([0, 1], np.uint8),
        "nodes_truenodeids": [0, 1],
        "nodes_trueleafs": [1, 1],
        "nodes_falsenodeids": [1, 2],
        "nodes_falseleafs": [0, 1],
        "leaf_targetids": [0, 0, 0],
        "leaf_weights": tensor([1, 2, 3], np.float32),
    }
    content = model([node("TreeEnsemble", ["X"], domain=ML, **attributes)], {"X": [1, 2]}, ml=5)
    samples = [{"X": np.float32([[a, b]])} for a in (0.2, 0.5, 0.9) for b in (0.1, 0.25, 0.7)]
    check(content, samples, 1e-6)
    looped = {**attributes, "nodes_falsenodeids": [0, 2]}
    with pytest.raises(InvalidModel):
        compile_model(model([node("TreeEnsemble", ["X"], domain=ML, **looped)], {"X": [1, 2]}, ml=5))
    member = {**attributes, "nodes_modes": tensor([0, 6], np.uint8)}
    with pytest.raises((UnsupportedModel, InvalidModel)):
        compile_model(model([node("TreeEnsemble", ["X"], domain=ML, **member)], {"X": [1, 2]}, ml=5))


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "BRANCH_EQ"},
        {"aggregate_function": "MIN"},
        {"post_transform": "PROBIT"},
    ],
)
def test_rare_tree_features_are_refused_with_advice(changes: dict[str, Any]) -> None:
    with pytest.raises((UnsupportedModel, InvalidModel)) as caught:
        compile_model(tree(**changes))
    assert "the_TreeEnsembleRegressor" in str(caught.value)


def test_encoders_and_imputers() -> None:
    nodes = [
        node("Imputer", ["X"], ["a"], domain=ML, imputed_value_floats=[9.0], replaced_value_float=-1.0),
        node("Binarizer", ["a"], ["b"], domain=ML, threshold=1.5),
        node(
            "LabelEncoder",
            ["a"],
            ["c"],
            domain=ML,
            keys_floats=[1.0, 2.0],
            values_floats=[5.0, 7.0],
            default_float=-3.0,
        ),
        node("OneHotEncoder", ["a"], ["o"], domain=ML, cats_int64s=[1, 2, 9]),
        node(
            "Imputer",
            ["X"],
            ["same"],
            domain=ML,
            imputed_value_floats=[0.0],
            replaced_value_float=float("nan"),
        ),
        node("FeatureVectorizer", ["a", "same"], ["v"], domain=ML, inputdimensions=[3, 3]),
        node("ArrayFeatureExtractor", ["v", "columns"], ["picked"], domain=ML),
    ]
    outputs = ["b", "c", "o", "v", "picked"]
    content = model(nodes, {"X": [1, 3]}, {"columns": np.int64([4, 1])}, outputs)
    samples = [{"X": np.float32([[a, 2, -1]])} for a in (-1, 1, 2, 4)]
    check(content, samples, 1e-5)


def test_what_the_classical_rules_can_not_do_is_refused_with_advice() -> None:
    text = model([node("OneHotEncoder", ["X"], domain=ML, cats_strings=["a", "b"])], {"X": [1, 3]})
    with pytest.raises((UnsupportedModel, InvalidModel)):
        compile_model(text)
    content = exported(SVC(probability=True), IRIS.target, zipmap=False)
    with pytest.raises(UnsupportedModel, match="probability=False"):
        compile_model(content, rows(10))


def test_a_one_class_machine_and_a_two_class_probability() -> None:
    attributes = {
        "kernel_type": "RBF",
        "kernel_params": [0.5, 0.0, 0.0],
        "n_supports": 2,
        "support_vectors": [0.0, 0.0, 1.0, 1.0],
        "coefficients": [1.0, -0.5],
        "rho": [0.1],
    }
    content = model([node("SVMRegressor", ["X"], domain=ML, one_class=1, **attributes)], {"X": [1, 2]})
    check(content, [{"X": numbers(1, 2, seed=s)} for s in range(8)], 1e-6)
    binary = exported(SVC(probability=True, random_state=0), BINARY, zipmap=False)
    artifact = compile_model(binary, rows(50))
    assert artifact.report.calibration[0].agreement == 1.0


def test_linear_models_with_other_transforms() -> None:
    common = {"coefficients": [0.5, -1.0, 0.25, 2.0], "intercepts": [0.1, -0.2]}
    samples = [{"X": numbers(1, 2, seed=s)} for s in range(8)]
    for kind in ("NONE", "SOFTMAX", "LOGISTIC"):
        classifier = node(
            "LinearClassifier",
            ["X"],
            ["label", "y"],
            domain=ML,
            classlabels_ints=[4, 7],
            post_transform=kind,
            **common,
        )
        content = model([classifier], {"X": [1, 2]}, outputs=["label", "y"])
        check(content, samples, 1e-3)
        assert float_outputs(content, samples[0])["label"][0] in (4, 7)
    regressor = node("LinearRegressor", ["X"], domain=ML, targets=2, **common)
    check(model([regressor], {"X": [1, 2]}), samples, 1e-4)
    linear_svm = node(
        "SVMRegressor",
        ["X"],
        domain=ML,
        kernel_type="LINEAR",
        kernel_params=[0.0, 0.0, 0.0],
        coefficients=[1.0, -0.5],
        rho=[0.1],
    )
    check(model([linear_svm], {"X": [1, 2]}), samples, 1e-4)


def test_integer_features_are_taken() -> None:
    classifier = node(
        "LinearClassifier",
        ["X"],
        ["label", "y"],
        domain=ML,
        coefficients=[0.5, -1.0, 0.25, 2.0],
        intercepts=[0.1, -0.2],
        classlabels_ints=[0, 1],
    )
    content = model([classifier], {"X": [1, 2]}, outputs=["label", "y"], dtype=TensorProto.INT64)
    check(content, [{"X": np.int64([[a, b]])} for a in (0, 3) for b in (1, 2, 3)], 1e-4)
