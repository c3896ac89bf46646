"""Datasets: every definition (*.toml) in this folder, with its data beside it."""
