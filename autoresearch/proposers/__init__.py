"""Where changes come from. Each module owns one source; none decides whether a change is good."""
