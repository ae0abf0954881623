"""The command line: one small file per command, and the one place that wires the parts."""
