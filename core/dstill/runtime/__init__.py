"""What concerns the machine: processes, signals, devices, HTTP servers."""
