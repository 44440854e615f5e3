"""The version of the package; read by the build, by reports and by ``faceagent --version``."""

__version__ = "0.1.0"
