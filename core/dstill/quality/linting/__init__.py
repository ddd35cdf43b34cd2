"""The work of `dstill check`: it reads users' files, finds faults of their answers, and repairs what is safe.

report = lint(task, "daily.json", '{"size": "10"}', suffix=".json")
report.problems[0].region      Region(line=1, column=2, end_line=1, end_column=8)
report.repaired                '{"size": 10}'
"""
