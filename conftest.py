"""Loads the shared fixtures for tests/ and benchmarks/ alike."""

pytest_plugins = ("tests.fixtures",)
