"""The machine: processes, signals, devices, HTTP servers."""
