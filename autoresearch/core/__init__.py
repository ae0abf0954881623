"""The pure part: values and rules, standard library only, no I/O, no clock, no git."""
