"""Makes the base of the student `linked` for search bodies: `python -m tools.base` (`make base`).

Modules: `data` (endless questions as rows of numbers), `train` (the loop over two processes, with a checkpoint).
"""
