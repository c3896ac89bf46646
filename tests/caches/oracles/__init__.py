"""Caches written for reading alone: each policy in a few lines of Python, from its paper.

Each has `request(key, size=1) -> bool` (was the object there?), and `used`, what the objects that are there weigh.
Where libCacheSim departs from the paper and assay follows it, the lines say so.
"""
