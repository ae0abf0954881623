"""Running the experiment command: processes, worktrees, devices. Nothing here knows what is better."""
