"""The picture of a run: one model of it, drawn in the terminal, by matplotlib, and as a page of HTML."""
