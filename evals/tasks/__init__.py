"""The evaluation tasks by name. A third party adds one through the entry-point group ``faceagent.evals``."""

from evals.task import EvalTask
from faceagent.registry import Registry

TASKS: Registry[EvalTask] = Registry("evaluation task", group="faceagent.evals")

for _name in (
    "forgery", "morph", "spoof", "expression", "action_units", "attributes", "landmarks", "pose", "identity", "quality",
    "calibration", "localisation", "robustness", "fairness", "agent", "explanation", "face_detection", "false_alarms",
    "routing", "face_reference", "visual_questions", "label_reading", "risk_coverage", "invariance", "delivery",
):  # fmt: skip
    TASKS.add(_name, f"evals.tasks.{_name}:TASK")
