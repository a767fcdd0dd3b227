"""Executors: the readable reference, which is the definition, and the fast one, which must equal it."""

from inference.executor.fast import FastExecutor
from inference.executor.probe import KernelFailure, ProbeReport, conformance, run_probe
from inference.executor.reference import run_reference

__all__ = ["FastExecutor", "KernelFailure", "ProbeReport", "conformance", "run_probe", "run_reference"]
