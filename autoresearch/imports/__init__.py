"""Histories that other tools wrote, as a `History`: read from a file, never written, and without git.

One module per format; `files` tells them apart. Not in here: writing these formats, which is printing (`cli.render`).
"""
