"""`ar`: an autonomous experiment loop for any git repository. Start reading in `loop.py`."""

__version__ = "0.1.0"
