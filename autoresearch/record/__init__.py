"""The record in git: commits, refs, trailers. Nothing here runs an experiment."""
